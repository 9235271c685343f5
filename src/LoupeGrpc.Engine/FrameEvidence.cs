namespace LoupeGrpc.Engine;

/// <summary>What was measured of a frame beside its findings, so that they can be put into words. Only where <see cref="AnalysisRequest.Evidence"/> asks for it.</summary>
public sealed record FrameEvidence
{
    /// <summary>Side of the model's input in pixels.</summary>
    public required int InputSide { get; init; }

    /// <summary>Soft values above it are in the mask.</summary>
    public required float MaskThreshold { get; init; }

    /// <summary>Frames, pages or pictures in the file, at least 1.</summary>
    public int Pictures { get; init; } = 1;

    /// <summary>Bits of a sample as stored.</summary>
    public int BitDepth { get; init; } = 8;

    /// <summary>How strongly a JPEG is compressed: see <see cref="Imaging.JpegQuality"/>, 1 to 100. Null: it is none.</summary>
    public int? JpegQuality { get; init; }

    /// <summary>Mean luma of what the model saw, 0 (black) to 1 (white), of the samples as stored. In tiles, the mean of theirs.</summary>
    public float? Brightness { get; init; }

    /// <summary>The classifier's view of each patch. Null where the picture was looked at in tiles, each of which has its own patches.</summary>
    public PatchEvidence? Patches { get; init; }

    /// <summary>Null where no mask was computed.</summary>
    public MaskEvidence? Mask { get; init; }

    /// <summary>Pixels of the mask without adaptation; null where no dual verdict was made.</summary>
    public long? BaseMaskArea { get; init; }
}

/// <param name="All">Patches that the picture has.</param>
/// <param name="Suspected">Those that are forged more likely than not.</param>
public sealed record PatchEvidence(int All, int Suspected);

/// <param name="Area">Forged pixels, also where the mask itself was too long to be returned.</param>
/// <param name="Fields">Those in each of nine fields, row by row, in stored orientation: thirds of the picture's width and height.</param>
/// <param name="OnSuspectedPatches">Those on the patches that are suspected. Null where there are no patches.</param>
public sealed record MaskEvidence(long Area, IReadOnlyList<long> Fields, long? OnSuspectedPatches);
