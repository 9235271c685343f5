using LoupeGrpc.Native;
using Xunit;

namespace LoupeGrpc.UnitTests.Native;

public sealed class PreprocessorTests
{
    [Fact]
    public void Earlier_pictures_leave_no_trace()
    {
        var large = Pictures.Noise(300 * 200 * 3, 1);
        var small = Pictures.Noise(31 * 47, 2);
        var (fresh, reused) = (new float[3 * 56 * 56], new float[3 * 56 * 56]);
        using (var preprocessor = new Preprocessor(56))
        {
            preprocessor.ToNchw(new PixelSource(PixelFormat.Gray8, 31, 47, small, 31), fresh);
        }

        using var other = new Preprocessor(56);
        other.ToNchw(new PixelSource(PixelFormat.Rgb24, 300, 200, large, 900), reused);
        other.ToNchw(Pictures.Dense(PixelFormat.Nv12, 200, 200, large), reused);
        other.ToNchw(new PixelSource(PixelFormat.Gray8, 31, 47, small, 31), reused);

        Assert.Equal(fresh, reused);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(16385)]
    public void An_image_size_out_of_range_is_refused(int size)
    {
        var exception = Assert.Throws<NativeException>(() => new Preprocessor(size));
        Assert.Equal(NativeStatus.InvalidArgument, exception.Status);
        Assert.Contains($"image size is {size}", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Normalisation_that_makes_no_sense_is_refused()
    {
        Assert.Throws<NativeException>(() => new Preprocessor(8, [0, 0, float.NaN], [1, 1, 1]));
        Assert.Throws<NativeException>(() => new Preprocessor(8, [0, 0, 0], [1, 0, 1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Preprocessor(8, [0, 0], [1, 1, 1]));
    }

    [Fact]
    public void A_destination_that_is_too_short_is_refused()
    {
        using var preprocessor = new Preprocessor(8);
        var pixels = new byte[16];

        var exception = Assert.Throws<NativeException>(
            () => preprocessor.ToNchw(new PixelSource(PixelFormat.Gray8, 4, 4, pixels, 4), new float[(3 * 8 * 8) - 1]));
        Assert.Equal(NativeStatus.BufferTooSmall, exception.Status);
        exception = Assert.Throws<NativeException>(
            () => preprocessor.ToChwBytes(new PixelSource(PixelFormat.Gray8, 4, 4, pixels, 4), []));
        Assert.Equal(NativeStatus.InvalidArgument, exception.Status);
    }

    [Fact]
    public void A_disposed_preprocessor_says_so()
    {
        var preprocessor = new Preprocessor(8);
        preprocessor.Dispose();
        preprocessor.Dispose();

        Assert.Throws<ObjectDisposedException>(
            () => preprocessor.ToChwBytes(new PixelSource(PixelFormat.Gray8, 1, 1, new byte[1], 1), new byte[192]));
    }
}
