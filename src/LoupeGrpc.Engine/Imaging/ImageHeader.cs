namespace LoupeGrpc.Engine.Imaging;

/// <summary>Picture files that are decoded here.</summary>
internal enum ImageKind
{
    Jpeg,
    Png,
    WebP,
    Bmp,
    Tiff,

    /// <summary>HEIF with HEVC. Decoded where the system has libheif.</summary>
    Heic,

    /// <summary>HEIF with AV1. As <see cref="Heic"/>.</summary>
    Avif,
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
    /// <summary>Frames of an animation, pages of a TIFF, pictures one behind the other in a JPEG; at least 1.</summary>
    public int Frames { get; init; } = 1;

    /// <summary>Bits of one sample.</summary>
    public int BitDepth { get; init; } = 8;

    public ColorModel Color { get; init; } = ColorModel.Rgb;

    public bool HasAlpha { get; init; }

    /// <summary>EXIF and TIFF numbering, 1 to 8; 1 is upright.</summary>
    public int Orientation { get; init; } = 1;

    /// <summary>Gray where 0 is white.</summary>
    public bool MinIsWhite { get; init; }

    /// <summary>See <see cref="Imaging.JpegQuality"/>. Null: it is no JPEG, or says nothing of it before its frame header.</summary>
    public int? JpegQuality { get; init; }

    /// <summary>Whose quantisation tables a JPEG has.</summary>
    public JpegTables JpegTables { get; init; }

    /// <summary>The quality that makes them, 1 to 100; 0 where they are not libjpeg's.</summary>
    public int JpegTableQuality { get; init; }

    /// <summary>The program that wrote the file, fit to be shown. Null: it is not said.</summary>
    public string? Software { get; init; }

    /// <summary>Times that coded data go over the picture: the scans of a JPEG, or of the worst tile of a TIFF.</summary>
    public int Scans { get; init; } = 1;

    /// <summary>Samples that a decoder visits, each as often as it does. 0 where that is no more than the picture has.</summary>
    public long CodedSamples { get; init; }

    /// <summary>Offset of the TIFF directory with the full picture, where that is not the first.</summary>
    public uint? Directory { get; init; }

    /// <summary>Size of the preview that was passed over for it, as <c>64x48</c>.</summary>
    public string? Preview { get; init; }

    /// <summary>Single bytes to change before decoding; see <see cref="BytePatch"/>. Null: none.</summary>
    public IReadOnlyList<BytePatch>? Patches { get; init; }

    /// <summary>Why the pixels cannot be there in full, for people; null where the structure is complete.</summary>
    public string? Defect { get; init; }

    /// <summary>Where the structure shows that pixels are missing that a decoder makes up, for people; null where it does not.</summary>
    public string? Damage { get; init; }
}

/// <summary>
/// A byte that means nothing for the pixels but that libjpeg complains about when it is not as expected. It complains once a picture, so what
/// it would say of real damage would be hidden behind.
/// </summary>
internal readonly record struct BytePatch(int Position, byte Value);

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

    /// <param name="what">A format that is not decoded here at all.</param>
    public static SniffResult Unsupported(string what) => Unsupported(what, $"convert it to {ForeignFormats.Accepted}");

    /// <param name="advice">What to do instead.</param>
    public static SniffResult Unsupported(string what, string advice) =>
        new FrameFailure(FailureKind.Unsupported, $"{what} is not supported; {advice}.");
}
