using LoupeGrpc.V1;
using OpenCvSharp;

namespace LoupeGrpc.Reporting;

/// <summary>A picture as a report shows it, upright and small.</summary>
/// <param name="Original">JPEG.</param>
/// <param name="Overlay">JPEG with what was marked; null where nothing was.</param>
/// <param name="Width">Of both, pixels.</param>
/// <param name="Height">Of both, pixels.</param>
/// <param name="IsReduced">It has fewer pixels than what was analysed.</param>
internal sealed record ReportPictures(byte[] Original, byte[]? Overlay, int Width, int Height, bool IsReduced)
{
    /// <summary>Bytes of both as they stand in a page.</summary>
    public long Bytes => Base64(Original) + (Overlay is { } overlay ? Base64(overlay) : 0);

    /// <param name="stored">BGR, 8 bits, as stored.</param>
    /// <param name="mask">One channel of its size, 255 where it is marked; null: there is none that can be shown.</param>
    /// <param name="style">Not side by side: a report has both anyway.</param>
    public static ReportPictures Draw(Mat stored, Mat? mask, Verdict verdict, float score, int maxSide, OverlayStyle style)
    {
        // Reduced first: outline and label are drawn at the size at which they are seen.
        using var small = Thumbnail.Fit(stored, maxSide);
        using var upright = PictureOrientation.Upright(small, style.Orientation);
        var original = Thumbnail.ToJpeg(upright);
        var isReduced = small.Size() != stored.Size();
        if (mask is null)
        {
            return new ReportPictures(original, null, upright.Width, upright.Height, isReduced);
        }

        using var smallMask = Thumbnail.FitMask(mask, maxSide);
        using var overlay = OverlayPainter.Paint(small, smallMask, verdict, score, style);
        return new ReportPictures(original, Thumbnail.ToJpeg(overlay), overlay.Width, overlay.Height, isReduced);
    }

    private static long Base64(byte[] data) => (data.Length + 2L) / 3 * 4;
}
