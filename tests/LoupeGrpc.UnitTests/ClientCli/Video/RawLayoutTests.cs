using LoupeGrpc.Client.Cli.Inputs.Video;
using LoupeGrpc.V1;
using Xunit;

namespace LoupeGrpc.UnitTests.ClientCli.Video;

public class RawLayoutTests
{
    [Theory]
    [InlineData("bgr24:1920x1080@25", PixelFormat.Bgr24, 1920 * 1080 * 3, 25.0)]
    [InlineData("rgb24:3x5", PixelFormat.Rgb24, 45, null)]
    [InlineData("bgra32:3x5", PixelFormat.Bgra32, 60, null)]
    [InlineData("gray8:3x5@29.97", PixelFormat.Gray8, 15, 29.97)]
    [InlineData("nv12:4x6", PixelFormat.Nv12, 36, null)]
    [InlineData("i420:4x6", PixelFormat.I420, 36, null)]
    [InlineData("yuyv:4x5", PixelFormat.Yuyv, 40, null)]
    public void Each_layout_has_its_bytes(string text, PixelFormat format, int bytes, double? fps)
    {
        var layout = RawLayout.Parse(text)!;

        Assert.Equal((format, bytes, fps), (layout.Format.PixelFormat, layout.Bytes, layout.FramesPerSecond));
    }

    [Theory]
    [InlineData("bgr24")]
    [InlineData("bgr24:1920")]
    [InlineData("bgr24:0x5")]
    [InlineData("bgr24:-4x5")]
    [InlineData("bgr24:4x5@0")]
    [InlineData("bgr24:4x5@x")]
    [InlineData("bgr24:4x5@25@30")]
    [InlineData("nv12:3x4")]
    [InlineData("nv12:4x3")]
    [InlineData("yuyv:3x4")]
    [InlineData("mjpeg:4x4")]
    [InlineData("bgra32:65535x65535")]
    public void What_is_no_layout_is_refused(string text)
    {
        Assert.Null(RawLayout.Parse(text));
    }
}
