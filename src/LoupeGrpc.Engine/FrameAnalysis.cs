using System.Diagnostics.CodeAnalysis;
using LoupeGrpc.Engine.Adaptation;

namespace LoupeGrpc.Engine;

/// <summary>Either an analysis or the reason why there is none.</summary>
public readonly struct AnalysisOutcome
{
    private AnalysisOutcome(FrameAnalysis? analysis, FrameFailure? failure) => (Analysis, Failure) = (analysis, failure);

    public FrameAnalysis? Analysis { get; }

    public FrameFailure? Failure { get; }

    [MemberNotNullWhen(true, nameof(Analysis))]
    [MemberNotNullWhen(false, nameof(Failure))]
    public bool Succeeded => Analysis is not null;

    public static implicit operator AnalysisOutcome(FrameAnalysis analysis) => new(analysis, null);

    public static implicit operator AnalysisOutcome(FrameFailure failure) => new(null, failure);
}

/// <summary>What was found in one frame.</summary>
public sealed record FrameAnalysis
{
    /// <summary>σ of the classifier's fused logit, 0 to 1; in tiles, of what they have in common; as the package's calibration has it, where there is one.</summary>
    public required float Score { get; init; }

    /// <summary>What <see cref="Score"/> is made of, before bias and calibration: the classifier's fused logit, and in tiles log(mean(exp z)) of theirs.</summary>
    public double Logit { get; init; }

    public required Verdict Verdict { get; init; }

    /// <summary>Parts of the picture were guessed, and so <see cref="Verdict"/> is uncertain whatever the score.</summary>
    public bool VerdictIsOpen { get; init; }

    /// <summary>Pixels, in stored orientation.</summary>
    public required int Width { get; init; }

    public required int Height { get; init; }

    /// <summary>How the file asks viewers to turn the picture, in EXIF's numbering, 1 to 8; 1 is upright. Mask and boxes are in stored pixels.</summary>
    public int Orientation { get; init; } = 1;

    /// <summary>SHA-256 of the bytes received, 32 bytes.</summary>
    public required ReadOnlyMemory<byte> Sha256 { get; init; }

    /// <summary>Null where no mask was computed or its encoding was over the budget.</summary>
    public EncodedMask? Mask { get; init; }

    public MaskOmission MaskOmission { get; init; }

    /// <summary>The soft map: [height, width], from 0, above the model's threshold where forged, may exceed 1. Empty where it was not asked for, no mask was computed or its bytes were over the budget.</summary>
    public ReadOnlyMemory<float> SoftMask { get; init; }

    /// <summary>Largest first; empty where no mask was computed.</summary>
    public IReadOnlyList<MaskRegion> Regions { get; init; } = [];

    /// <summary>Whether an empty or non-empty mask fits the verdict; null where no mask was computed or the verdict is uncertain.</summary>
    public bool? MaskAgrees { get; init; }

    public IReadOnlyList<ImageNote> Notes { get; init; } = [];

    /// <summary>How the picture was looked at in tiles; null: it was looked at whole.</summary>
    public TileReport? Tiles { get; init; }

    /// <summary>What the file says of where it comes from; null: nothing, or it is no file.</summary>
    public FrameProvenance? Provenance { get; init; }

    /// <summary>What was measured beside that; null where it was not asked for.</summary>
    public FrameEvidence? Evidence { get; init; }

    /// <summary>Of the decoded pixels and of the mask; null where they were not asked for.</summary>
    public FrameDigests? Digests { get; init; }

    /// <summary>
    /// Mean red, green and blue of each of 8 x 8 fields of what the model saw, 0 to 255 of the samples as stored, row by row, 192 bytes; where the picture was looked at in
    /// tiles, of the picture. Empty where it was not asked for.
    /// </summary>
    public ReadOnlyMemory<byte> ColorLayout { get; init; }

    /// <summary>What was decoded: [height, width, 3], blue, green, red, in stored orientation. Empty where it was not asked for, pixels came, or it has more bytes than an array may.</summary>
    public ReadOnlyMemory<byte> Picture { get; init; }

    /// <summary>What was left out as asked for, and would have been done otherwise.</summary>
    public Economies Economies { get; init; }

    public required StageTimings Timings { get; init; }

    public required ExecutionDescription Execution { get; init; }

    /// <summary>The state that the frame was answered with; null outside sessions that adapt.</summary>
    public AdaptationReport? Adaptation { get; init; }

    /// <summary>What the guard did after the frame.</summary>
    public IReadOnlyList<GuardEvent> GuardEvents { get; init; } = [];

    /// <summary>The mask without adaptation; null where no dual verdict was made or its encoding was over the budget.</summary>
    public EncodedMask? BaseMask { get; init; }

    /// <summary>Share of the picture on which base and adapted mask differ, 0 to 1; null where no dual verdict was made.</summary>
    public float? MaskDisagreement { get; init; }
}

/// <summary>Why there is no mask.</summary>
public enum MaskOmission
{
    /// <summary>There is one.</summary>
    None,
    Policy,
    Budget,
}

/// <summary>A mask in the encoding that was asked for.</summary>
/// <param name="Data">ASCII counts, or a PNG file.</param>
/// <param name="Area">Forged pixels.</param>
public sealed record EncodedMask(MaskEncoding Encoding, ReadOnlyMemory<byte> Data, int Width, int Height, long Area);

/// <summary>An 8-connected part of a mask.</summary>
/// <param name="Area">Pixels.</param>
/// <param name="Mean">Mean soft value over the part; above the threshold, may exceed 1.</param>
public sealed record MaskRegion(int X, int Y, int Width, int Height, long Area, float Mean);

/// <summary>How a picture was read.</summary>
public enum ImageNoteKind
{
    FirstFrameOnly,
    BitDepthReduced,
    AlphaDropped,
    OrientationNotApplied,
    Scaled,
    CmykConverted,

    /// <summary>Parts of the picture are missing, and a decoder guessed them.</summary>
    Damaged,

    /// <summary>The file's first picture is only a preview; the full one was analysed.</summary>
    PreviewOnly,

    /// <summary>The file names the program that wrote it.</summary>
    Software,
}

/// <param name="Message">For people, with the numbers.</param>
public sealed record ImageNote(ImageNoteKind Kind, string Message);

/// <summary>What computes.</summary>
/// <param name="Provider"><c>CPU</c>, <c>CUDA</c>, <c>TensorRT</c> or a plugin's name.</param>
/// <param name="Precision"><c>fp32</c>, <c>fp16</c> or <c>int8</c>.</param>
/// <param name="Device">Empty where there is nothing to name.</param>
public sealed record ExecutionDescription(string Provider, string Precision, string Device);

/// <summary>Where the time of one frame went. Zero where a stage did not run.</summary>
/// <param name="Queue">Waiting for its turn, and between stages, all together.</param>
/// <param name="Encode">The run that the frame was part of, with however many others.</param>
/// <param name="Segment">As <paramref name="Encode"/>.</param>
/// <param name="Total">From receipt to answer.</param>
public readonly record struct StageTimings(
    TimeSpan Queue, TimeSpan Decode, TimeSpan Preprocess, TimeSpan Encode, TimeSpan Segment, TimeSpan Mask, TimeSpan Total)
{
    /// <summary>The optimiser's steps after the frame.</summary>
    public TimeSpan Adapt { get; init; }

    /// <summary>What the dual verdict cost: the base mask and the comparison.</summary>
    public TimeSpan Dual { get; init; }

    /// <summary>All of it but waiting.</summary>
    public TimeSpan Computing => Decode + Preprocess + Encode + Segment + Mask + Adapt + Dual;
}
