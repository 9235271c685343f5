using System.Globalization;
using LoupeGrpc.Client.Cli.Output;
using LoupeGrpc.Client.Masks;
using LoupeGrpc.V1;
using OpenCvSharp;

namespace LoupeGrpc.Client.Cli.Artifacts;

/// <summary>Paints what was found on a picture: the mask tinted and outlined, verdict and score in the corner where they hide least of it.</summary>
internal static class OverlayPainter
{
    /// <summary>Smaller pictures are enlarged by a whole factor, so that the label can be read and leaves something to see.</summary>
    private const int MinSide = 160;

    private const double TintStrength = 0.38;
    private static readonly Scalar White = new(255, 255, 255);
    private static readonly Scalar Dark = new(24, 24, 24);
    private static readonly Scalar MaskColor = new(70, 40, 255);

    /// <param name="picture">BGR, 8 bits.</param>
    /// <param name="mask">Of the picture's size; null for none.</param>
    /// <param name="verdict">Gives the label its colour.</param>
    /// <param name="score">0 to 1.</param>
    /// <returns>A new picture, at least as large. Owned by the caller.</returns>
    public static Mat Paint(Mat picture, BinaryMask? mask, Verdict verdict, float score)
    {
        var factor = Math.Max(1, (int)Math.Ceiling((double)MinSide / Math.Max(picture.Width, picture.Height)));
        var overlay = new Mat();
        Cv2.Resize(picture, overlay, new Size(), factor, factor, InterpolationFlags.Nearest);
        using var enlarged = new Mat();
        if (mask is not null)
        {
            using var exact = Mat.FromPixelData(mask.Height, mask.Width, MatType.CV_8UC1, mask.Pixels);
            Cv2.Resize(exact, enlarged, overlay.Size(), 0, 0, InterpolationFlags.Nearest);
            Tint(overlay, enlarged);
            Outline(overlay, enlarged);
        }

        Label(overlay, enlarged, string.Create(CultureInfo.InvariantCulture, $"{WireName.Of(verdict)} {score:0.000}"), ColorOf(verdict));
        return overlay;
    }

    private static Scalar ColorOf(Verdict verdict) => verdict switch
    {
        Verdict.Manipulated => new Scalar(70, 40, 255),
        Verdict.Uncertain => new Scalar(40, 170, 245),
        Verdict.Authentic => new Scalar(95, 185, 65),
        _ => new Scalar(160, 160, 160),
    };

    private static void Tint(Mat overlay, Mat mask)
    {
        using var color = new Mat(overlay.Size(), overlay.Type(), MaskColor);
        using var tinted = new Mat();
        Cv2.AddWeighted(overlay, 1 - TintStrength, color, TintStrength, 0, tinted);
        tinted.CopyTo(overlay, mask);
    }

    /// <summary>A bright line with a dark edge can be seen on every background.</summary>
    private static void Outline(Mat overlay, Mat mask)
    {
        Cv2.FindContours(mask, out Point[][] contours, out _, RetrievalModes.CComp, ContourApproximationModes.ApproxNone);
        var width = Math.Max(1, (int)Math.Round(Math.Max(overlay.Width, overlay.Height) / 400.0));
        Cv2.DrawContours(overlay, contours, -1, Dark, width + (2 * Math.Max(1, width / 2)), LineTypes.AntiAlias);
        Cv2.DrawContours(overlay, contours, -1, White, width, LineTypes.AntiAlias);
    }

    private static void Label(Mat overlay, Mat mask, string text, Scalar color)
    {
        const HersheyFonts font = HersheyFonts.HersheyDuplex;
        var unit = Cv2.GetTextSize(text, font, 1, 1, out _);

        // A third of the picture's width, within what can be read and what fits.
        var wanted = Math.Clamp(overlay.Width / 3.0, 160, 900);
        var scale = Math.Min(wanted, overlay.Width * 0.86) / (unit.Width + (unit.Height * 2.4));
        var height = unit.Height * scale;
        var pad = (int)Math.Round(height * 0.7);
        var bar = Math.Max(2, (int)Math.Round(height * 0.4));
        var size = new Size((unit.Width * scale) + (2 * pad) + bar, height + (2 * pad));
        if (size.Width > overlay.Width || size.Height > overlay.Height)
        {
            // A strip of a picture: a label would hide all of it.
            return;
        }

        var box = ChooseCorner(overlay.Size(), mask, size, margin: (int)Math.Round(height * 0.6));
        using (var corner = new Mat(overlay, box))
        using (var background = new Mat(corner.Size(), corner.Type(), Dark))
        {
            Cv2.AddWeighted(corner, 0.15, background, 0.85, 0, corner);
        }

        Cv2.Rectangle(overlay, new Rect(box.X, box.Y, bar, box.Height), color, -1);
        var thickness = Math.Max(1, (int)Math.Round(scale * 1.4));
        Cv2.PutText(overlay, text, new Point(box.X + bar + pad, box.Y + pad + height), font, scale, White, thickness, LineTypes.AntiAlias);
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
