namespace LoupeGrpc.Engine.Imaging;

/// <summary>Picture files that are decoded here.</summary>
internal enum ImageKind
{
    Jpeg,
    Png,
    WebP,
    Bmp,
    Tiff,
}

/// <summary>What the stored samples mean.</summary>
internal enum ColorModel
{
    Gray,
    Rgb,
    Palette,
    YCbCr,
    Cmyk,
}

/// <summary>What the header bytes of a picture file say. Nothing in it was checked against the pixels.</summary>
/// <param name="Width">Pixels in stored orientation, at least 1. Wider than <see cref="int"/> because a TIFF may say 2³² − 1.</param>
/// <param name="Height">As <paramref name="Width"/>.</param>
internal readonly record struct ImageHeader(ImageKind Kind, long Width, long Height)
{
    /// <summary>Frames of an animation or pages of a TIFF, at least 1.</summary>
    public int Frames { get; init; } = 1;

    /// <summary>Bits of one sample.</summary>
    public int BitDepth { get; init; } = 8;

    public ColorModel Color { get; init; } = ColorModel.Rgb;

    public bool HasAlpha { get; init; }

    /// <summary>EXIF and TIFF numbering, 1 to 8; 1 is upright.</summary>
    public int Orientation { get; init; } = 1;

    /// <summary>Gray where 0 is white.</summary>
    public bool MinIsWhite { get; init; }

    /// <summary>Why the pixels cannot be there in full, for people; null where the structure is complete.</summary>
    public string? Defect { get; init; }
}

/// <summary>A header, or the reason why there is none.</summary>
internal readonly struct SniffResult
{
    private SniffResult(ImageHeader header, FrameFailure? failure) => (Header, Failure) = (header, failure);

    /// <summary>Meaningful only where <see cref="Failure"/> is null.</summary>
    public ImageHeader Header { get; }

    public FrameFailure? Failure { get; }

    public static implicit operator SniffResult(ImageHeader header) => new(header, null);

    public static implicit operator SniffResult(FrameFailure failure) => new(default, failure);

    public static SniffResult Invalid(string message) => new FrameFailure(FailureKind.Invalid, message);

    public static SniffResult Unsupported(string what) =>
        new FrameFailure(FailureKind.Unsupported, $"{what} is not supported; {ForeignFormats.Accepted}.");
}
