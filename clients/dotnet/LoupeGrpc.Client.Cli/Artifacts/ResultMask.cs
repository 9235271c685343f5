using LoupeGrpc.Client.Masks;
using LoupeGrpc.V1;
using OpenCvSharp;

namespace LoupeGrpc.Client.Cli.Artifacts;

/// <summary>The mask of a result as pixels.</summary>
internal static class ResultMask
{
    /// <returns>Null when the result has none.</returns>
    /// <exception cref="InvalidDataException">It is not a mask of the picture's size.</exception>
    public static BinaryMask? Of(FrameResult result)
    {
        if (result.Mask?.Rle is not { } rle)
        {
            return null;
        }

        if (rle.Size is not [var height, var width] || height != result.Height || width != result.Width)
        {
            throw new InvalidDataException($"The server sent a mask whose size is not the picture's {result.Width}x{result.Height}.");
        }

        return CocoRleDecoder.Decode(rle);
    }

    /// <summary>One channel, of the mask's own memory. Owned by the caller.</summary>
    public static Mat ToMat(this BinaryMask mask) => Mat.FromPixelData(mask.Height, mask.Width, MatType.CV_8UC1, mask.Pixels);
}
