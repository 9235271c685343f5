using System.Buffers;
using LoupeGrpc.Native;
using OpenCvSharp;

namespace LoupeGrpc.Engine.Masks;

/// <summary>Writes a mask as bytes for the wire.</summary>
internal static class MaskEncoder
{
    private const int FirstGuess = 16 << 10;
    private const double Forged = 255;

    /// <param name="mask">[height, width] of bytes, 1 where forged.</param>
    /// <param name="soft">The soft map: [height, width] of floats; read for <see cref="MaskEncoding.SoftPng"/> only.</param>
    /// <returns>Null where the encoded mask is longer than <paramref name="maxBytes"/>.</returns>
    public static byte[]? Encode(MaskEncoding encoding, Mat mask, Mat soft, int maxBytes) => encoding switch
    {
        MaskEncoding.Rle => EncodeRuns(mask.AsSpan<byte>(), mask.Width, mask.Height, maxBytes),
        MaskEncoding.Png => EncodePng(mask, maxBytes),
        _ => EncodePng(soft, maxBytes),
    };

    /// <summary>COCO's counts, however long.</summary>
    public static byte[] EncodeRuns(Mat mask) => EncodeRuns(mask.AsSpan<byte>(), mask.Width, mask.Height, int.MaxValue)!;

    private static byte[]? EncodeRuns(ReadOnlySpan<byte> mask, int width, int height, int maxBytes)
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

    private static byte[]? EncodePng(Mat source, int maxBytes)
    {
        using var gray = new Mat();

        // Rounds, and saturates what is above 1.
        source.ConvertTo(gray, MatType.CV_8UC1, Forged);
        Cv2.ImEncode(".png", gray, out byte[] png);
        return png.Length > maxBytes ? null : png;
    }
}
