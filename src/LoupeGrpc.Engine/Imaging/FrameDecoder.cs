using OpenCvSharp;

namespace LoupeGrpc.Engine.Imaging;

/// <summary>From a picture file to 8-bit BGR as stored: not turned, alpha left out without blending, 16 bits cut to their high byte, the first frame.</summary>
internal static class FrameDecoder
{
    private const ImreadModes EightBit = ImreadModes.Color | ImreadModes.IgnoreOrientation;

    /// <summary>Decodes what was sniffed and found within the limits.</summary>
    /// <param name="picture">CV_8UC3, the caller's to dispose; null where a failure is returned.</param>
    public static FrameFailure? Decode(ReadOnlySpan<byte> file, ImageHeader header, out Mat? picture)
    {
        picture = null;
        if (header.Defect is not null)
        {
            return Invalid(header, header.Defect);
        }

        // libtiff rounds 16 bits to 8; libpng, asked for 8, takes the high byte.
        bool deepTiff = header is { Kind: ImageKind.Tiff, BitDepth: 16 };
        Mat? decoded = null;
        try
        {
            using (var decodable = DecodablePicture.From(file, header))
            {
                if (decodable.Defect is not null)
                {
                    return Invalid(header, decodable.Defect);
                }

                decoded = Cv2.ImDecode(decodable.Bytes, deepTiff ? EightBit | ImreadModes.AnyDepth : EightBit);
            }

            if (decoded.Empty())
            {
                return Invalid(header, "its data are damaged or truncated");
            }

            if (decoded.Width != header.Width || decoded.Height != header.Height)
            {
                return Invalid(header, $"its header says {header.Width}x{header.Height} pixels and its data {decoded.Width}x{decoded.Height}");
            }

            if (decoded.Type() == MatType.CV_16UC3)
            {
                var reduced = HighBytes(decoded, header.MinIsWhite);
                decoded.Dispose();
                decoded = reduced;
            }

            if (decoded.Type() != MatType.CV_8UC3)
            {
                return Invalid(header, $"it decodes to the sample type {decoded.Type()}");
            }

            picture = decoded;
            decoded = null;
            return null;
        }
        catch (OpenCVException exception) when (exception.Status != ErrorCode.StsNoMem)
        {
            return Invalid(header, "its data are damaged or truncated");
        }
        finally
        {
            decoded?.Dispose();
        }
    }

    /// <summary>The odd bytes of a little-endian 16-bit picture.</summary>
    private static Mat HighBytes(Mat deep, bool invert)
    {
        var result = new Mat(deep.Rows, deep.Cols, MatType.CV_8UC3);
        using var bytes = Mat.FromPixelData(deep.Rows, deep.Cols, MatType.CV_8UC(6), deep.Data, deep.Step());
        Cv2.MixChannels([bytes], [result], [1, 0, 3, 1, 5, 2]);
        if (invert)
        {
            // 8-bit pictures were inverted by libtiff.
            Cv2.BitwiseNot(result, result);
        }

        return result;
    }

    private static FrameFailure Invalid(ImageHeader header, string why) =>
        new(FailureKind.Invalid, $"The {header.Kind.Name()} cannot be decoded: {why}.");
}
