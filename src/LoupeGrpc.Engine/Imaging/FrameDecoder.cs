using OpenCvSharp;

namespace LoupeGrpc.Engine.Imaging;

/// <summary>From a picture file to 8-bit BGR as stored: not turned, alpha left out without blending, 16 bits cut to their high byte, the first frame.</summary>
/// <param name="codec">Owned.</param>
internal sealed class FrameDecoder(IPictureCodec codec, DamagedPictures damaged) : IDisposable
{
    private const ImreadModes EightBit = ImreadModes.Color | ImreadModes.IgnoreOrientation;

    /// <summary>The verdict on a damaged picture is uncertain, whatever its score.</summary>
    public bool DamageOpensVerdict => damaged == DamagedPictures.Uncertain;

    /// <summary>Decodes what was sniffed and found within the limits.</summary>
    /// <param name="picture">CV_8UC3, the caller's to dispose before the next call; null where a failure is returned.</param>
    /// <param name="damage">Why parts of the picture are guesses, for people; null where nothing shows that they are.</param>
    public FrameFailure? Decode(ReadOnlySpan<byte> file, ImageHeader header, IDecodeWatch watch, out Mat? picture, out string? damage)
    {
        picture = null;
        damage = header.Damage;
        if (header.Defect is not null)
        {
            return Invalid(header, header.Defect);
        }

        if (damage is not null && damaged == DamagedPictures.Refuse)
        {
            return Refused(header, damage);
        }

        // libtiff rounds 16 bits to 8; libpng, asked for 8, takes the high byte.
        bool deepTiff = header is { Kind: ImageKind.Tiff, BitDepth: 16 };
        var answer = codec.Decode(file, header, deepTiff ? EightBit | ImreadModes.AnyDepth : EightBit, watch);
        var decoded = answer.Picture;
        if (decoded is null)
        {
            return answer.Failure ?? Invalid(header, answer.Reason!);
        }

        try
        {
            if (decoded.Width != header.Width || decoded.Height != header.Height)
            {
                return Invalid(header, $"its header says {header.Width}x{header.Height} pixels, its data say {decoded.Width}x{decoded.Height}");
            }

            damage ??= DamageOf(answer.Complaint);
            if (damage is not null && damaged == DamagedPictures.Refuse)
            {
                return Refused(header, damage);
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
        finally
        {
            decoded?.Dispose();
        }
    }

    /// <summary>The picture, where there was one, has been used. Call it after each.</summary>
    public void Trim() => codec.Trim();

    public void Dispose() => codec.Dispose();

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

    private static string? DamageOf(string? complaint) => complaint is null ? null : $"the decoder reports \"{complaint}\"";

    private static FrameFailure Refused(ImageHeader header, string damage) =>
        new(FailureKind.Invalid, $"The {header.Kind.Name()} is damaged: {damage}. Damaged pictures are refused (Loupe:Imaging:Damaged).");

    private static FrameFailure Invalid(ImageHeader header, string why) =>
        new(FailureKind.Invalid, $"The {header.Kind.Name()} cannot be decoded: {why}.");
}
