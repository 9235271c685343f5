using LoupeGrpc.Client.Cli.Artifacts;
using OpenCvSharp;

namespace LoupeGrpc.Client.Cli.Evaluating;

/// <summary>A judged picture as a page shows it: small, upright, with what was found and, beside it, the truth.</summary>
internal static class CasePicture
{
    private const int MaxSide = 360;
    private const int GapPixels = 6;

    /// <returns>JPEG; null where this program cannot decode the picture, or it has changed since.</returns>
    public static byte[]? Draw(EvaluatedPicture picture, bool isDemonstration)
    {
        byte[] file;
        try
        {
            file = File.ReadAllBytes(picture.Case.Path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }

        try
        {
            using var stored = DecoderLines.Without(() => Cv2.ImDecode(PictureOrientation.Cleared(file), ImreadModes.Color | ImreadModes.IgnoreOrientation));
            if (stored.Empty())
            {
                return null;
            }

            var orientation = PictureOrientation.Of(file);
            var mask = picture.Mask() is { } found && (found.Width, found.Height) == (stored.Width, stored.Height) ? found : null;
            using var marked = mask?.ToMat();
            using var painted = OverlayPainter.Paint(stored, marked, picture.Verdict, (float)picture.Score, new OverlayStyle(orientation, isDemonstration));
            using var small = Thumbnail.Fit(painted, MaxSide);
            if (picture.Case.Mask is not { } truthFile)
            {
                return Thumbnail.ToJpeg(small);
            }

            var truth = TruthMask.Read(truthFile);
            using var exact = Mat.FromPixelData(truth.Height, truth.Width, MatType.CV_8UC1, truth.Pixels);
            using var upright = PictureOrientation.Upright(exact, orientation);
            using var gray = new Mat();
            Cv2.Resize(upright, gray, small.Size(), 0, 0, InterpolationFlags.Nearest);
            using var right = new Mat();
            Cv2.CvtColor(gray, right, ColorConversionCodes.GRAY2BGR);
            using var gap = new Mat(small.Height, GapPixels, MatType.CV_8UC3, Scalar.All(128));
            using var both = new Mat();
            Cv2.HConcat([small, gap, right], both);
            return Thumbnail.ToJpeg(both);
        }
        catch (Exception error) when (error is OpenCVException or InvalidDataException)
        {
            return null;
        }
    }
}
