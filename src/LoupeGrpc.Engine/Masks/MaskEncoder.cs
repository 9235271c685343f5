using System.Buffers;
using LoupeGrpc.Native;
using OpenCvSharp;

namespace LoupeGrpc.Engine.Masks;

/// <summary>Writes a mask as bytes for the wire.</summary>
internal static class MaskEncoder
{
    private const int FirstGuess = 16 << 10;
    private const double Forged = 255;

    /// <param name="mask">Rows of <paramref name="width"/> bytes, 1 where forged; longer than the picture.</param>
    /// <param name="soft">The soft map, of the same size.</param>
    /// <returns>Null where the encoded mask is longer than <paramref name="maxBytes"/>.</returns>
    public static byte[]? Encode(MaskEncoding encoding, byte[] mask, float[] soft, int width, int height, int maxBytes) => encoding switch
    {
        MaskEncoding.Rle => EncodeRuns(mask, width, height, maxBytes),
        MaskEncoding.Png => EncodePng(MatType.CV_8UC1, mask, width, height, maxBytes),
        _ => EncodePng(MatType.CV_32FC1, soft, width, height, maxBytes),
    };

    private static byte[]? EncodeRuns(byte[] mask, int width, int height, int maxBytes)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(FirstGuess);
        try
        {
            int length;
            while (!RunLength.TryEncode(mask, width, height, width, buffer, out length))
            {
                if (length > maxBytes)
                {
                    return null;
                }

                ArrayPool<byte>.Shared.Return(buffer);
                buffer = ArrayPool<byte>.Shared.Rent(length);
            }

            return length > maxBytes ? null : buffer[..length];
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static byte[]? EncodePng(MatType type, Array values, int width, int height, int maxBytes)
    {
        using var source = Mat.FromPixelData(height, width, type, values);
        using var gray = new Mat();

        // Rounds, and saturates what is above 1.
        source.ConvertTo(gray, MatType.CV_8UC1, Forged);
        Cv2.ImEncode(".png", gray, out byte[] png);
        return png.Length > maxBytes ? null : png;
    }
}
