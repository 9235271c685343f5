using LoupeGrpc.Client.Cli.Artifacts;
using LoupeGrpc.Client.Masks;
using LoupeGrpc.Reporting;
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

        using var overlay = OverlayPainter.Paint(picture, mask.ToMat(), Verdict.Manipulated, 0.93f);

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

        using var overlay = OverlayPainter.Paint(picture, mask.ToMat(), Verdict.Manipulated, 1);

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

    [Theory]
    [InlineData(60, 40, 235)]
    [InlineData(30, 30, 160)]
    [InlineData(90, 110, 220)]
    [InlineData(250, 250, 250)]
    [InlineData(8, 8, 8)]
    [InlineData(230, 120, 30)]
    public void The_tint_differs_from_what_it_is_painted_on(int blue, int green, int red)
    {
        using var picture = new Mat(240, 320, MatType.CV_8UC3, new Scalar(blue, green, red));
        using var noise = new Mat(picture.Size(), picture.Type());
        Cv2.Randn(noise, Scalar.All(0), Scalar.All(6));
        Cv2.Add(picture, noise, picture);

        using var overlay = OverlayPainter.Paint(picture, Square(240, 320, left: 200, top: 120, side: 80).ToMat(), Verdict.Manipulated, 0.93f);

        Assert.InRange(Difference(overlay, new Rect(210, 130, 60, 60), new Rect(20, 130, 60, 60)), 20, 200);
        // And the outline from both: dark on bright pictures, bright on dark ones.
        using var edge = new Mat(overlay, new Rect(197, 150, 6, 20));
        using var gray = new Mat();
        Cv2.CvtColor(edge, gray, ColorConversionCodes.BGR2GRAY);
        Cv2.MinMaxLoc(gray, out double darkest, out double brightest);
        Assert.True(brightest - darkest > 150, $"the outline has no contrast: {darkest} to {brightest}");
    }

    [Fact]
    public void A_mask_that_is_uncertain_is_hatched_and_its_outline_broken()
    {
        using var picture = new Mat(240, 320, MatType.CV_8UC3, new Scalar(100, 100, 100));
        var mask = Square(240, 320, left: 200, top: 100, side: 100);

        using var manipulated = OverlayPainter.Paint(picture, mask.ToMat(), Verdict.Manipulated, 0.6f);
        using var uncertain = OverlayPainter.Paint(picture, mask.ToMat(), Verdict.Uncertain, 0.6f);
        using var authentic = OverlayPainter.Paint(picture, mask.ToMat(), Verdict.Authentic, 0.1f);

        Assert.Equal(1, Tinted(manipulated), 2);
        Assert.InRange(Tinted(uncertain), 0.4, 0.6);
        Assert.InRange(Tinted(authentic), 0.4, 0.6);
        Assert.InRange(White(manipulated), 90, 100);
        Assert.InRange(White(uncertain), 30, 70);

        double Tinted(Mat overlay)
        {
            using var inside = new Mat(overlay, new Rect(206, 106, 88, 88));
            using var untouched = new Mat();
            Cv2.InRange(inside, new Scalar(100, 100, 100), new Scalar(100, 100, 100), untouched);
            return 1 - ((double)Cv2.CountNonZero(untouched) / (88 * 88));
        }

        // Along the left edge.
        int White(Mat overlay)
        {
            using var edge = new Mat(overlay, new Rect(200, 100, 1, 100));
            using var white = new Mat();
            Cv2.InRange(edge, new Scalar(200, 200, 200), new Scalar(255, 255, 255), white);
            return Cv2.CountNonZero(white);
        }
    }

    [Fact]
    public void A_demonstration_model_marks_its_pictures()
    {
        using var picture = new Mat(240, 320, MatType.CV_8UC3, new Scalar(100, 100, 100));

        using var real = OverlayPainter.Paint(picture, null, Verdict.Authentic, 0.1f);
        using var demonstration = OverlayPainter.Paint(picture, null, Verdict.Authentic, 0.1f, new OverlayStyle(IsDemonstration: true));

        // A second line: the label is higher, and there are letters in it.
        var (one, two) = (LabelHeight(real), LabelHeight(demonstration));
        Assert.InRange(two, one * 1.3, one * 2);
        using var below = new Mat(demonstration, new Rect(12, 6 + one, 140, two - one));
        using var letters = new Mat();
        Cv2.InRange(below, new Scalar(200, 200, 200), new Scalar(255, 255, 255), letters);
        Assert.InRange(Cv2.CountNonZero(letters), 100, 2000);

        int LabelHeight(Mat overlay) => Enumerable.Range(0, 240).Count(row => overlay.At<Vec3b>(row, 60).Item0 != 100);
    }

    [Fact]
    public void Side_by_side_the_left_half_is_the_picture_itself()
    {
        using var picture = new Mat(240, 320, MatType.CV_8UC3);
        Cv2.Randu(picture, Scalar.All(0), Scalar.All(255));
        var mask = Square(240, 320, 200, 120, 80);

        using var overlay = OverlayPainter.Paint(picture, mask.ToMat(), Verdict.Manipulated, 1);
        using var both = OverlayPainter.Paint(picture, mask.ToMat(), Verdict.Manipulated, 1, new OverlayStyle(SideBySide: true));

        Assert.Equal(240, both.Height);
        Assert.InRange(both.Width, 644, 660);
        Assert.Equal(0, Cv2.Norm(picture, new Mat(both, new Rect(0, 0, 320, 240))));
        Assert.Equal(0, Cv2.Norm(overlay, new Mat(both, new Rect(both.Width - 320, 0, 320, 240))));
    }

    [Theory]
    [InlineData(6, 320, 240, 40, 200)]
    [InlineData(8, 320, 240, 200, 40)]
    [InlineData(3, 240, 320, 120, 40)]
    public void Picture_and_mask_are_shown_upright_and_the_label_too(int orientation, int height, int width, int row, int column)
    {
        using var picture = new Mat(240, 320, MatType.CV_8UC3, new Scalar(100, 100, 100));
        // Stored: on the right, somewhat below the middle of a picture 320 wide and 240 high.
        var mask = Square(240, 320, left: 240, top: 160, side: 60);

        using var overlay = OverlayPainter.Paint(picture, mask.ToMat(), Verdict.Manipulated, 0.93f, new OverlayStyle(orientation));

        Assert.Equal(new Size(width, height), overlay.Size());
        using var stored = new Mat(240, 320, MatType.CV_8UC1, Scalar.Black);
        stored[new Rect(246, 166, 48, 48)].SetTo(Scalar.White);
        using var inside = PictureOrientation.Upright(stored, orientation);
        var tint = Cv2.Mean(overlay, inside);
        Assert.True(tint.Val2 > 140 && tint.Val1 < 90, $"the mask is not where it is seen: {tint}");
        Assert.Equal(new Vec3b(100, 100, 100), overlay.At<Vec3b>(row, column));
        // What is dark beside the mask is the label: wider than high.
        using var dark = new Mat();
        Cv2.InRange(overlay, new Scalar(0, 0, 0), new Scalar(60, 60, 60), dark);
        Cv2.Dilate(inside, inside, Cv2.GetStructuringElement(MorphShapes.Rect, new Size(31, 31)));
        dark.SetTo(Scalar.Black, inside);
        var label = Cv2.BoundingRect(dark);
        Assert.InRange(label.Width, 3 * label.Height, width);
    }

    /// <summary>Between the mean colours of two parts, in Lab.</summary>
    private static double Difference(Mat picture, Rect one, Rect other)
    {
        using var scaled = new Mat();
        using var lab = new Mat();
        picture.ConvertTo(scaled, MatType.CV_32FC3, 1 / 255.0);
        Cv2.CvtColor(scaled, lab, ColorConversionCodes.BGR2Lab);
        var (a, b) = (Cv2.Mean(new Mat(lab, one)), Cv2.Mean(new Mat(lab, other)));
        return Math.Sqrt(Math.Pow(a.Val0 - b.Val0, 2) + Math.Pow(a.Val1 - b.Val1, 2) + Math.Pow(a.Val2 - b.Val2, 2));
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
