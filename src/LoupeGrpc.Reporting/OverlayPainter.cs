using System.Globalization;
using LoupeGrpc.Results;
using LoupeGrpc.V1;
using OpenCvSharp;

namespace LoupeGrpc.Reporting;

/// <summary>
/// Paints what was found on a picture: the mask, verdict and score in the corner where they hide least of it. A manipulated part is tinted and outlined;
/// where the verdict says less the mask is hatched and its outline broken, so that nobody takes one for the other.
/// </summary>
internal static class OverlayPainter
{
    /// <summary>Smaller pictures are enlarged by a whole factor, so that the label can be read and leaves something to see.</summary>
    private const int MinSide = 160;

    private const double TintStrength = 0.38;
    private const string Demonstration = "demonstration model";

    /// <summary>Height of the second line of the label, in that of the first.</summary>
    private const double SmallPrint = 0.62;

    /// <param name="picture">BGR, 8 bits, as stored.</param>
    /// <param name="mask">One channel of the picture's size, not 0 where it is marked; null for none.</param>
    /// <param name="verdict">Gives the label its colour and the mask its form.</param>
    /// <param name="score">0 to 1.</param>
    /// <param name="style">Default: as stored, alone.</param>
    /// <returns>A new picture, upright, at least as large. Owned by the caller.</returns>
    public static Mat Paint(Mat picture, Mat? mask, Verdict verdict, float score, OverlayStyle style = default)
    {
        var factor = Math.Max(1, (int)Math.Ceiling((double)MinSide / Math.Max(picture.Width, picture.Height)));
        using var upright = PictureOrientation.Upright(picture, style.Orientation);
        var overlay = new Mat();
        Cv2.Resize(upright, overlay, new Size(), factor, factor, InterpolationFlags.Nearest);
        using var original = style.SideBySide ? overlay.Clone() : null;
        using var enlarged = new Mat();
        if (mask is not null)
        {
            using var turned = PictureOrientation.Upright(mask, style.Orientation);
            Cv2.Resize(turned, enlarged, overlay.Size(), 0, 0, InterpolationFlags.Nearest);
            PaintMask(overlay, enlarged, isCertain: verdict == Verdict.Manipulated);
        }

        var text = string.Create(CultureInfo.InvariantCulture, $"{WireName.Of(verdict)} {score:0.000}");
        Label(overlay, enlarged, text, style.IsDemonstration ? Demonstration : "", ColorOf(verdict));
        return original is null ? overlay : Beside(original, overlay);
    }

    private static Scalar ColorOf(Verdict verdict) => verdict switch
    {
        Verdict.Manipulated => OverlayColors.Red,
        Verdict.Uncertain => new Scalar(40, 170, 245),
        Verdict.Authentic => new Scalar(95, 185, 65),
        _ => new Scalar(160, 160, 160),
    };

    private static int LineWidth(Mat overlay) => Math.Max(1, (int)Math.Round(Math.Max(overlay.Width, overlay.Height) / 400.0));

    private static void PaintMask(Mat overlay, Mat mask, bool isCertain)
    {
        var colors = OverlayColors.For(overlay, mask);
        using (var color = new Mat(overlay.Size(), overlay.Type(), colors.Tint))
        using (var tinted = new Mat())
        using (var where = isCertain ? mask.Clone() : Hatched(mask, 4 * LineWidth(overlay)))
        {
            Cv2.AddWeighted(overlay, 1 - TintStrength, color, TintStrength, 0, tinted);
            tinted.CopyTo(overlay, where);
        }

        Cv2.FindContours(mask, out Point[][] contours, out _, RetrievalModes.CComp, ContourApproximationModes.ApproxNone);
        var width = LineWidth(overlay);
        var lines = isCertain ? contours : [.. contours.SelectMany(contour => Dashes(contour, 12 * width))];
        Cv2.Polylines(overlay, lines, isCertain, colors.Edge, width + (2 * Math.Max(1, width / 2)), LineTypes.AntiAlias);
        Cv2.Polylines(overlay, lines, isCertain, colors.Line, width, LineTypes.AntiAlias);
    }

    /// <summary>Diagonal stripes of a mask, as wide as the gaps between them.</summary>
    private static Mat Hatched(Mat mask, int stripe)
    {
        using var stripes = new Mat(mask.Size(), MatType.CV_8UC1, Scalar.Black);
        var (width, height) = (mask.Width, mask.Height);
        for (var x = -height; x < width; x += 2 * stripe)
        {
            Cv2.FillConvexPoly(
                stripes, [new Point(x, height), new Point(x + stripe - 1, height), new Point(x + stripe - 1 + height, 0), new Point(x + height, 0)], Scalar.White);
        }

        var hatched = new Mat();
        Cv2.BitwiseAnd(mask, stripes, hatched);
        return hatched;
    }

    /// <summary>Every second stretch of an outline.</summary>
    private static IEnumerable<Point[]> Dashes(Point[] contour, int length) =>
        contour.Chunk(length).Where((_, index) => index % 2 == 0);

    private static void Label(Mat overlay, Mat mask, string text, string smallPrint, Scalar color)
    {
        const HersheyFonts font = HersheyFonts.HersheyDuplex;
        var unit = Cv2.GetTextSize(text, font, 1, 1, out _);

        // A third of the picture's width, within what can be read and what fits.
        var wanted = Math.Clamp(overlay.Width / 3.0, 160, 900);
        var scale = Math.Min(wanted, overlay.Width * 0.86) / (unit.Width + (unit.Height * 2.4));
        var height = unit.Height * scale;
        var pad = (int)Math.Round(height * 0.7);
        var bar = Math.Max(2, (int)Math.Round(height * 0.4));
        var below = smallPrint.Length > 0 ? (int)Math.Round(height * (SmallPrint + 0.5)) : 0;
        var size = new Size((unit.Width * scale) + (2 * pad) + bar, height + (2 * pad) + below);
        if (size.Width > overlay.Width || size.Height > overlay.Height)
        {
            // A strip of a picture: a label would hide all of it.
            return;
        }

        var box = ChooseCorner(overlay.Size(), mask, size, margin: (int)Math.Round(height * 0.6));
        using (var corner = new Mat(overlay, box))
        using (var background = new Mat(corner.Size(), corner.Type(), OverlayColors.Dark))
        {
            Cv2.AddWeighted(corner, 0.15, background, 0.85, 0, corner);
        }

        Cv2.Rectangle(overlay, new Rect(box.X, box.Y, bar, box.Height), color, -1);
        var thickness = Math.Max(1, (int)Math.Round(scale * 1.4));
        var left = box.X + bar + pad;
        Cv2.PutText(overlay, text, new Point(left, box.Y + pad + height), font, scale, OverlayColors.White, thickness, LineTypes.AntiAlias);
        if (below > 0)
        {
            var room = (double)(box.Width - bar - (2 * pad)) / Cv2.GetTextSize(smallPrint, font, 1, 1, out _).Width;
            Cv2.PutText(
                overlay, smallPrint, new Point(left, box.Y + pad + height + below), font, Math.Min(room, scale * SmallPrint), OverlayColors.White, 1, LineTypes.AntiAlias);
        }
    }

    private static Mat Beside(Mat original, Mat overlay)
    {
        var gap = Math.Max(4, overlay.Width / 50);
        var both = new Mat(overlay.Height, (2 * overlay.Width) + gap, overlay.Type(), OverlayColors.White);
        using (overlay)
        using (var left = new Mat(both, new Rect(0, 0, overlay.Width, overlay.Height)))
        using (var right = new Mat(both, new Rect(overlay.Width + gap, 0, overlay.Width, overlay.Height)))
        {
            original.CopyTo(left);
            overlay.CopyTo(right);
        }

        return both;
    }

    /// <summary>The corner with the least of the mask; the upper left one where several are as good.</summary>
    private static Rect ChooseCorner(Size picture, Mat mask, Size label, int margin)
    {
        var (right, bottom) = (Math.Max(0, picture.Width - label.Width - margin), Math.Max(0, picture.Height - label.Height - margin));
        var (left, top) = (Math.Min(margin, right), Math.Min(margin, bottom));
        Rect[] corners =
        [
            new(left, top, label.Width, label.Height),
            new(right, top, label.Width, label.Height),
            new(left, bottom, label.Width, label.Height),
            new(right, bottom, label.Width, label.Height),
        ];
        return corners.MinBy(corner => Hidden(mask, corner));
    }

    private static int Hidden(Mat mask, Rect corner)
    {
        if (mask.Empty())
        {
            return 0;
        }

        using var part = new Mat(mask, corner);
        return Cv2.CountNonZero(part);
    }
}
