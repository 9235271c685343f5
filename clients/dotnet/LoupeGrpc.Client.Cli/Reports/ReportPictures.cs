using LoupeGrpc.Client.Cli.Artifacts;
using LoupeGrpc.Client.Masks;
using LoupeGrpc.V1;
using OpenCvSharp;

namespace LoupeGrpc.Client.Cli.Reports;

/// <summary>A picture as a report shows it, upright and small.</summary>
/// <param name="Original">JPEG.</param>
/// <param name="Overlay">JPEG with what was marked; null where nothing was.</param>
/// <param name="Width">Of both, pixels.</param>
/// <param name="Height">Of both, pixels.</param>
/// <param name="IsReduced">It has fewer pixels than what was analysed.</param>
internal sealed record ReportPictures(byte[] Original, byte[]? Overlay, int Width, int Height, bool IsReduced)
{
    /// <returns>Null where this program cannot decode the picture as the server did.</returns>
    public static ReportPictures? Draw(LoupeFrame? frame, FrameResult result, int maxSide, bool isDemonstration)
    {
        try
        {
            using var stored = FramePicture.Open(frame, result);
            if (stored is null)
            {
                return null;
            }

            // Reduced first: outline and label are drawn at the size at which they are seen.
            var orientation = FramePicture.OrientationOf(frame, result);
            using var small = Thumbnail.Fit(stored, maxSide);
            using var upright = PictureOrientation.Upright(small, orientation);
            var original = Thumbnail.ToJpeg(upright);
            var isReduced = small.Size() != stored.Size();
            if (result.Mask is not { Area: > 0 } || Reduced(ResultMask.Of(result), maxSide) is not { } mask)
            {
                return new ReportPictures(original, null, upright.Width, upright.Height, isReduced);
            }

            using var overlay = OverlayPainter.Paint(small, mask, result.Verdict, result.Score, new OverlayStyle(orientation, isDemonstration));
            return new ReportPictures(original, Thumbnail.ToJpeg(overlay), overlay.Width, overlay.Height, isReduced);
        }
        catch (Exception error) when (error is OpenCVException or InvalidDataException)
        {
            return null;
        }
    }

    private static BinaryMask? Reduced(BinaryMask? mask, int maxSide)
    {
        if (mask is null)
        {
            return null;
        }

        using var exact = Mat.FromPixelData(mask.Height, mask.Width, MatType.CV_8UC1, mask.Pixels);
        using var small = Thumbnail.FitMask(exact, maxSide);
        var reduced = BinaryMask.Empty(small.Height, small.Width);
        small.GetArray(out byte[] pixels);
        pixels.CopyTo(reduced.Pixels, 0);
        return reduced;
    }
}
