using System.Globalization;
using LoupeGrpc.Client.Cli.Output;
using LoupeGrpc.Client.Masks;
using LoupeGrpc.V1;
using OpenCvSharp;

namespace LoupeGrpc.Client.Cli.Artifacts;

/// <summary>Paints what was found on a picture: the mask tinted and outlined, verdict and score in the upper left corner.</summary>
internal static class OverlayPainter
{
    /// <summary>Smaller pictures are enlarged by a whole factor, so that the label can be read and leaves something to see.</summary>
    private const int MinSide = 256;

    private const double TintStrength = 0.4;
    private static readonly Scalar White = new(255, 255, 255);
    private static readonly Scalar LabelBackground = new(24, 24, 24);
    private static readonly Scalar MaskColor = new(40, 40, 240);

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
        if (mask is not null)
        {
            using var exact = Mat.FromPixelData(mask.Height, mask.Width, MatType.CV_8UC1, mask.Pixels);
            using var enlarged = new Mat();
            Cv2.Resize(exact, enlarged, overlay.Size(), 0, 0, InterpolationFlags.Nearest);
            Tint(overlay, enlarged);
            Outline(overlay, enlarged);
        }

        Label(overlay, string.Create(CultureInfo.InvariantCulture, $"{WireName.Of(verdict)} {score:0.000}"), ColorOf(verdict));
        return overlay;
    }

    private static Scalar ColorOf(Verdict verdict) => verdict switch
    {
        Verdict.Manipulated => new Scalar(60, 60, 235),
        Verdict.Uncertain => new Scalar(40, 170, 245),
        Verdict.Authentic => new Scalar(95, 185, 65),
        _ => new Scalar(160, 160, 160),
    };

    private static int LineWidth(Mat picture) => Math.Max(1, (int)Math.Round(Math.Max(picture.Width, picture.Height) / 400.0));

    private static void Tint(Mat overlay, Mat mask)
    {
        using var color = new Mat(overlay.Size(), overlay.Type(), MaskColor);
        using var tinted = new Mat();
        Cv2.AddWeighted(overlay, 1 - TintStrength, color, TintStrength, 0, tinted);
        tinted.CopyTo(overlay, mask);
    }

    /// <summary>A light line around a dark one can be seen on every background.</summary>
    private static void Outline(Mat overlay, Mat mask)
    {
        Cv2.FindContours(mask, out Point[][] contours, out _, RetrievalModes.CComp, ContourApproximationModes.ApproxNone);
        var width = LineWidth(overlay);
        Cv2.DrawContours(overlay, contours, -1, White, width + (2 * Math.Max(1, width / 2)), LineTypes.AntiAlias);
        Cv2.DrawContours(overlay, contours, -1, MaskColor, width, LineTypes.AntiAlias);
    }

    private static void Label(Mat overlay, string text, Scalar color)
    {
        const HersheyFonts font = HersheyFonts.HersheyDuplex;
        var unit = Cv2.GetTextSize(text, font, 1, 1, out _);

        // A third of the picture's width, within what can be read and what fits.
        var wanted = Math.Clamp(overlay.Width / 3.0, 170, 900);
        var scale = Math.Min(wanted, overlay.Width * 0.86) / (unit.Width + (unit.Height * 2.4));
        var height = unit.Height * scale;
        var pad = (int)Math.Round(height * 0.75);
        var bar = (int)Math.Round(height * 0.4);
        var size = new Size((unit.Width * scale) + (2 * pad) + bar, height + (2 * pad));
        var margin = (int)Math.Round(height * 0.7);
        var box = new Rect(new Point(margin, margin), size) & new Rect(0, 0, overlay.Width, overlay.Height);
        if (box.Width == 0 || box.Height == 0)
        {
            return;
        }

        using (var corner = new Mat(overlay, box))
        using (var background = new Mat(corner.Size(), corner.Type(), LabelBackground))
        {
            Cv2.AddWeighted(corner, 0.2, background, 0.8, 0, corner);
        }

        Cv2.Rectangle(overlay, new Rect(box.X, box.Y, bar, box.Height), color, -1);
        var thickness = Math.Max(1, (int)Math.Round(scale * 1.4));
        Cv2.PutText(overlay, text, new Point(box.X + bar + pad, box.Y + pad + height), font, scale, White, thickness, LineTypes.AntiAlias);
    }
}
