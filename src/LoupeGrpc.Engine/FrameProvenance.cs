using LoupeGrpc.Provenance;

namespace LoupeGrpc.Engine;

/// <summary>What a picture file says of where it comes from. Nothing of it is known to the score.</summary>
public sealed record FrameProvenance
{
    /// <summary>Null: the file has none.</summary>
    public ContentCredentials? Credentials { get; init; }

    /// <summary>The program that wrote the file, as EXIF or a TIFF's own tag has it: without control characters, at most 160 bytes of UTF-8. Null: it is not said.</summary>
    public string? Software { get; init; }

    public JpegTables JpegTables { get; init; }

    /// <summary>1 to 100 where <see cref="JpegTables"/> is <see cref="JpegTables.Libjpeg"/>; else 0.</summary>
    public int JpegQuality { get; init; }
}

/// <summary>Whose quantisation tables a JPEG has.</summary>
public enum JpegTables
{
    /// <summary>It is no JPEG, or they could not be read.</summary>
    Unknown,

    /// <summary>Those that libjpeg makes for one quality.</summary>
    Libjpeg,
    Other,
}
