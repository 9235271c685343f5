using LoupeGrpc.Engine.Imaging;
using OpenCvSharp;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine.Imaging;

/// <summary>Held against libjpeg, by OpenCV.</summary>
public sealed class JpegQualityTests
{
    public static TheoryData<int> Qualities => [.. Enumerable.Range(1, 100)];

    [Theory]
    [MemberData(nameof(Qualities))]
    public void The_quality_is_the_one_that_it_was_saved_with(int quality)
    {
        using var picture = new Mat(16, 16, MatType.CV_8UC3, new Scalar(20, 120, 220));
        var file = picture.ImEncode(".jpg", new ImageEncodingParam(ImwriteFlags.JpegQuality, quality));

        Assert.Equal(quality, ImageSniffer.Sniff(file).Header.JpegQuality);
    }

    [Fact]
    public void Tables_of_two_bytes_are_read_and_what_is_cut_short_is_none()
    {
        // Table 1 of bytes, then table 0 of words, each 16.
        byte[] tables = [0x01, .. Enumerable.Repeat((byte)9, 64), 0x10, .. Enumerable.Repeat<byte[]>([0, 16], 64).SelectMany(static word => word)];

        Assert.Equal(86, JpegQuality.Read(tables));
        Assert.Null(JpegQuality.Read(tables.AsSpan(0, tables.Length - 1)));
        Assert.Null(JpegQuality.Read(tables.AsSpan(0, 65)));
        Assert.Null(JpegQuality.Read([]));
        Assert.Equal(1, JpegQuality.Read([0x10, .. Enumerable.Repeat((byte)255, 128)]));
    }
}
