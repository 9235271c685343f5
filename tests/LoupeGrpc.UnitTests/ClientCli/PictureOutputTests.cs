using LoupeGrpc.Client.Cli.Artifacts;
using LoupeGrpc.Client.Masks;
using LoupeGrpc.V1;
using OpenCvSharp;
using Xunit;

namespace LoupeGrpc.UnitTests.ClientCli;

/// <summary>Masks and overlays, read back with OpenCV.</summary>
public class PictureOutputTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(37, 5)]
    [InlineData(240, 320)]
    public void A_mask_survives_its_png(int height, int width)
    {
        var mask = BinaryMask.Empty(height, width);
        new Random(height).NextBytes(mask.Pixels);
        for (var i = 0; i < mask.Pixels.Length; i++)
        {
            mask.Pixels[i] = mask.Pixels[i] > 127 ? BinaryMask.Forged : (byte)0;
        }

        using var png = new MemoryStream();
        GrayPng.Write(png, mask);

        using var read = Cv2.ImDecode(png.ToArray(), ImreadModes.Unchanged);
        Assert.Equal((MatType.CV_8UC1, height, width), (read.Type(), read.Height, read.Width));
        Assert.True(read.GetArray(out byte[] pixels));
        Assert.Equal(mask.Pixels, pixels);
    }

    [Fact]
    public void An_overlay_tints_the_mask_leaves_the_rest_and_keeps_the_size()
    {
        using var picture = new Mat(240, 320, MatType.CV_8UC3, new Scalar(100, 100, 100));
        var mask = Square(240, 320, left: 200, top: 120, side: 80);

        using var overlay = OverlayPainter.Paint(picture, mask, Verdict.Manipulated, 0.93f);

        Assert.Equal(new Size(320, 240), overlay.Size());
        Assert.Equal(new Vec3b(100, 100, 100), overlay.At<Vec3b>(200, 40));
        var inside = overlay.At<Vec3b>(160, 240);
        Assert.True(inside.Item2 > 140 && inside.Item1 < 90, $"not tinted red: {inside}");
        Assert.True(overlay.At<Vec3b>(160, 200).Item0 > 200, "no bright line at the edge of the mask");
        Assert.True(overlay.At<Vec3b>(15, 15).Item0 < 60, "no label in the upper left corner");
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(400, 0)]
    [InlineData(0, 240)]
    public void The_label_stands_where_it_hides_none_of_the_mask(int left, int top)
    {
        using var picture = new Mat(480, 640, MatType.CV_8UC3, new Scalar(100, 100, 100));
        var mask = Square(480, 640, left, top, 240);

        using var overlay = OverlayPainter.Paint(picture, mask, Verdict.Manipulated, 1);

        // Within the outline nothing is darker than the tint.
        using var inside = new Mat(overlay, new Rect(left + 4, top + 4, 232, 232));
        using var red = inside.ExtractChannel(2);
        Cv2.MinMaxLoc(red, out var lowest, out double _);
        Assert.True(lowest > 100, $"something covers the mask: red {lowest}");
    }

    [Fact]
    public void Tiny_pictures_are_enlarged_and_strips_stay_without_label()
    {
        using var tiny = new Mat(1, 1, MatType.CV_8UC3, new Scalar(9, 9, 9));
        using var strip = new Mat(2, 900, MatType.CV_8UC3, new Scalar(9, 9, 9));

        using var large = OverlayPainter.Paint(tiny, null, Verdict.Authentic, 0);
        using var same = OverlayPainter.Paint(strip, null, Verdict.Authentic, 0);

        Assert.Equal(new Size(160, 160), large.Size());
        Assert.Equal(new Size(900, 2), same.Size());
        Assert.Equal(new Vec3b(9, 9, 9), same.At<Vec3b>(1, 450));
    }

    private static BinaryMask Square(int height, int width, int left, int top, int side)
    {
        var mask = BinaryMask.Empty(height, width);
        for (var row = top; row < top + side; row++)
        {
            mask.Pixels.AsSpan((row * width) + left, side).Fill(BinaryMask.Forged);
        }

        return mask;
    }
}
