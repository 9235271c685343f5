using LoupeGrpc.Native;
using Xunit;

namespace LoupeGrpc.UnitTests.Native;

/// <summary>What runs for every frame allocates nothing managed once it is warm.</summary>
public sealed class AllocationTests
{
    [Fact]
    public void A_frame_allocates_nothing()
    {
        const int width = 320;
        const int height = 240;
        var pixels = Pictures.Noise(width * height * 3, 1);
        var input = new float[3 * 112 * 112];
        var (maskLogits, classLogits) = (new float[5 * 16 * 16], new float[10]);
        var (mask, soft, counts) = (new byte[width * height], new float[width * height], new byte[1024]);
        using var preprocessor = new Preprocessor(112);
        using var decoder = new MaskDecoder();

        void Frame()
        {
            var source = new PixelSource(PixelFormat.Bgr24, width, height, pixels, width * 3);
            if (!PixelLayout.TryValidate(source, out _))
            {
                throw new InvalidOperationException("The picture is valid.");
            }

            preprocessor.ToNchw(source, input);
            decoder.Decode(maskLogits, classLogits, 5, 16, 16, width, height, 0.5f, mask, soft);
            RunLength.TryEncode(mask, width, height, width, counts, out var written);
            RunLength.Area(counts.AsSpan(0, written), height, width);
            RunLength.BoundingBox(counts.AsSpan(0, written), height, width);
        }

        for (var i = 0; i < 3; i++)
        {
            Frame();
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        Frame();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
