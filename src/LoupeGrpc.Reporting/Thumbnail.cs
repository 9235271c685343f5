using OpenCvSharp;

namespace LoupeGrpc.Reporting;

/// <summary>Pictures as pages have them: small.</summary>
internal static class Thumbnail
{
    private const int Quality = 82;

    /// <returns>The picture, reduced until no side is longer. Owned by the caller.</returns>
    public static Mat Fit(Mat picture, int maxSide)
    {
        var size = SizeOf(picture, maxSide);
        var fitted = new Mat();
        if (size == picture.Size())
        {
            picture.CopyTo(fitted);
        }
        else
        {
            Cv2.Resize(picture, fitted, size, 0, 0, InterpolationFlags.Area);
        }

        return fitted;
    }

    /// <returns>A mask of one channel of the same size as <see cref="Fit"/> makes its picture, 255 wherever the mask has anything: small marks stay. Owned by the caller.</returns>
    public static Mat FitMask(Mat mask, int maxSide)
    {
        using var shares = new Mat();
        Cv2.Resize(mask, shares, SizeOf(mask, maxSide), 0, 0, InterpolationFlags.Area);
        var fitted = new Mat();
        Cv2.Threshold(shares, fitted, 0, 255, ThresholdTypes.Binary);
        return fitted;
    }

    public static byte[] ToJpeg(Mat picture) => picture.ImEncode(".jpg", new ImageEncodingParam(ImwriteFlags.JpegQuality, Quality));

    private static Size SizeOf(Mat picture, int maxSide)
    {
        var factor = Math.Min(1.0, (double)maxSide / Math.Max(picture.Width, picture.Height));
        return new Size(Math.Max(1, (int)Math.Round(picture.Width * factor)), Math.Max(1, (int)Math.Round(picture.Height * factor)));
    }
}
