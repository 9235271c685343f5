using LoupeGrpc.Client.Cli.Files;
using LoupeGrpc.Client.Masks;
using LoupeGrpc.Quality;
using OpenCvSharp;

namespace LoupeGrpc.Client.Cli.Evaluating;

/// <summary>Masks of people as files: a pixel is forged where it is lighter than half.</summary>
internal static class TruthMask
{
    private const double Half = 127;

    /// <exception cref="InvalidDataException">There is no picture.</exception>
    public static BinaryMask Read(string file)
    {
        byte[] data;
        try
        {
            data = File.ReadAllBytes(file);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InvalidDataException($"the mask {PathText.Show(file)} cannot be read: {FileErrors.Reason(error)}", error);
        }

        using var picture = Decode(data);
        if (picture is null || picture.Empty())
        {
            throw new InvalidDataException($"the mask {PathText.Show(file)} is no picture that this program can decode");
        }

        using var light = new Mat();
        Cv2.Threshold(picture, light, Half, BinaryMask.Forged, ThresholdTypes.Binary);
        return ToMask(light);
    }

    /// <param name="truth">Of the picture as it is on disk.</param>
    /// <param name="found">Of the picture as it was analysed.</param>
    /// <param name="isScaled">It was analysed in another size, to which the truth follows.</param>
    /// <exception cref="InvalidDataException">They are not of the same size.</exception>
    public static PixelCounts Compare(BinaryMask truth, BinaryMask found, bool isScaled)
    {
        if ((truth.Width, truth.Height) == (found.Width, found.Height))
        {
            return PixelCounts.Of(truth.Pixels, found.Pixels);
        }

        if (!isScaled)
        {
            throw new InvalidDataException($"the mask is {truth.Width}x{truth.Height} pixels, the picture {found.Width}x{found.Height}");
        }

        using var stored = Mat.FromPixelData(truth.Height, truth.Width, MatType.CV_8UC1, truth.Pixels);
        using var resized = new Mat();
        Cv2.Resize(stored, resized, new Size(found.Width, found.Height), 0, 0, InterpolationFlags.Nearest);
        return PixelCounts.Of(ToMask(resized).Pixels, found.Pixels);
    }

    private static Mat? Decode(byte[] data)
    {
        try
        {
            return Cv2.ImDecode(PictureOrientation.Cleared(data), ImreadModes.Grayscale | ImreadModes.IgnoreOrientation);
        }
        catch (OpenCVException)
        {
            return null;
        }
    }

    private static BinaryMask ToMask(Mat picture)
    {
        var mask = BinaryMask.Empty(picture.Height, picture.Width);
        using var pixels = Mat.FromPixelData(picture.Height, picture.Width, MatType.CV_8UC1, mask.Pixels);
        picture.CopyTo(pixels);
        return mask;
    }
}
