namespace LoupeGrpc.Engine;

/// <summary>What a frame's answer rests on, so that it can be told whether another rests on the same. Only where <see cref="AnalysisRequest.Digests"/> asks for it.</summary>
public sealed record FrameDigests
{
    /// <summary>The kind of file, as <c>JPEG</c>, or of pixels, as <c>raw NV12</c>.</summary>
    public required string Format { get; init; }

    /// <summary>What decoded it, with its version; null for raw pixels.</summary>
    public string? Decoder { get; init; }

    /// <summary>SHA-256 of the decoded picture: [height, width, 3] bytes in blue, green, red, as stored, without gaps between rows. Null for raw pixels.</summary>
    public ReadOnlyMemory<byte>? Pixels { get; init; }

    /// <summary>Null where no mask was computed.</summary>
    public MaskDigest? Mask { get; init; }
}

/// <param name="Sha256">Of the mask's COCO counts in ASCII, whatever its encoding, also where that was too long to be returned.</param>
/// <param name="Area">Forged pixels.</param>
public sealed record MaskDigest(ReadOnlyMemory<byte> Sha256, long Area);
