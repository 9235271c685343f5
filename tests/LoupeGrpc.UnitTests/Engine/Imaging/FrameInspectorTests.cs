using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Imaging;
using LoupeGrpc.Native;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine.Imaging;

public sealed class FrameInspectorTests
{
    private static readonly EngineLimits _limits = new();

    [Fact]
    public void A_header_of_20000_squared_is_too_large_before_anything_is_decoded()
    {
        byte[] png = [.. PictureFiles.PngHeader(20_000, 20_000), .. PictureFiles.PngChunk("IDAT"), .. PictureFiles.PngChunk("IEND")];

        var failure = Inspect(new EncodedInput(png), _limits);

        Assert.Equal(new FrameFailure(FailureKind.TooLarge, "The picture is 20000x20000 pixels; no side may be longer than 16384 (Loupe:Limits:MaxSide)."), failure);
    }

    [Fact]
    public void Pixels_are_limited_too()
    {
        var failure = Inspect(new EncodedInput(PictureFiles.JpegHeader(16_000, 16_000)), _limits);

        Assert.Equal(
            new FrameFailure(FailureKind.TooLarge, "The picture has 256000000 pixels (16000x16000); the limit is 100000000 (Loupe:Limits:MaxPixels)."), failure);
    }

    [Fact]
    public void A_size_beyond_32_bits_is_too_large()
    {
        byte[] tiff = PictureFiles.Tiff(-1, -1, 8, 1, 1, new byte[2]);

        Assert.Contains("4294967295x4294967295", Inspect(new EncodedInput(tiff), _limits)?.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(41, "The frame takes 41 bytes; the limit is 40 bytes (Loupe:Limits:MaxFrameBytes).")]
    [InlineData(3 << 20, "The frame takes 3 MiB; the limit is 40 bytes (Loupe:Limits:MaxFrameBytes).")]
    public void Bytes_are_limited(int bytes, string message)
    {
        var failure = Inspect(new EncodedInput(new byte[bytes]), _limits with { MaxFrameBytes = 40 });

        Assert.Equal(new FrameFailure(FailureKind.TooLarge, message), failure);
    }

    [Theory]
    [InlineData(PixelFormat.Bgr24, 4, 2, 24)]
    [InlineData(PixelFormat.Gray8, 5, 3, 15)]
    [InlineData(PixelFormat.Bgra32, 3, 2, 24)]
    [InlineData(PixelFormat.Nv12, 4, 4, 24)]
    [InlineData(PixelFormat.I420, 4, 4, 24)]
    [InlineData(PixelFormat.I420, 3, 3, 17)]
    [InlineData(PixelFormat.Yuyv, 4, 2, 16)]
    public void Raw_pixels_without_padding_have_exactly_their_bytes(PixelFormat format, int width, int height, int bytes)
    {
        Assert.Null(Inspect(Raw(bytes, format, width, height), _limits));
        Assert.Contains($"takes {bytes} bytes, but {bytes - 1} were given", Message(Raw(bytes - 1, format, width, height)), StringComparison.Ordinal);
        Assert.Contains($"but {bytes + 1} were given", Message(Raw(bytes + 1, format, width, height)), StringComparison.Ordinal);
    }

    [Fact]
    public void Padding_behind_the_last_row_may_be_missing()
    {
        Assert.Null(Inspect(Raw(16 + 12, PixelFormat.Bgr24, 4, 2, 16), _limits));
        Assert.Null(Inspect(Raw(16 + 16, PixelFormat.Bgr24, 4, 2, 16), _limits));
        Assert.NotNull(Inspect(Raw(16 + 11, PixelFormat.Bgr24, 4, 2, 16), _limits));
    }

    [Fact]
    public void Layouts_that_make_no_sense_are_invalid()
    {
        Assert.Contains("takes 12 bytes, but the stride is 11", Message(Raw(24, PixelFormat.Bgr24, 4, 2, 11)), StringComparison.Ordinal);
        Assert.Contains("takes 12 bytes, but the stride is -12", Message(Raw(24, PixelFormat.Bgr24, 4, 2, -12)), StringComparison.Ordinal);
        Assert.Contains("Nv12 has 2 planes, but the number of strides given is 1", Message(Raw(24, PixelFormat.Nv12, 4, 4, 4)), StringComparison.Ordinal);
        Assert.Contains("no pixels (0 x 4)", Message(Raw(24, PixelFormat.Bgr24, 0, 4)), StringComparison.Ordinal);
        Assert.Contains("no pixels (4 x -4)", Message(Raw(24, PixelFormat.Bgr24, 4, -4)), StringComparison.Ordinal);
        Assert.Contains("Pixel format 77", Message(Raw(24, (PixelFormat)77, 4, 4)), StringComparison.Ordinal);
    }

    [Fact]
    public void Raw_pixels_keep_to_the_limits()
    {
        Assert.Equal(FailureKind.TooLarge, Inspect(Raw(3, PixelFormat.Gray8, 70_000, 1), _limits)?.Kind);
        Assert.Equal(FailureKind.TooLarge, Inspect(Raw(3, PixelFormat.Gray8, int.MaxValue, int.MaxValue), _limits)?.Kind);
    }

    private static RawInput Raw(int bytes, PixelFormat format, int width, int height, params int[] strides) =>
        new(new byte[bytes], new RawLayout(format, width, height, strides, YuvMatrix.Bt601, YuvRange.Limited));

    private static FrameFailure? Inspect(FrameInput input, EngineLimits limits) => FrameInspector.Inspect(input, limits, out _);

    private static string Message(RawInput input)
    {
        var failure = Inspect(input, _limits);
        Assert.Equal(FailureKind.Invalid, failure?.Kind);
        return failure!.Message;
    }
}
