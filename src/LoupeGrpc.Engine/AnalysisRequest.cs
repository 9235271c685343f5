using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.Engine.Tiling;

namespace LoupeGrpc.Engine;

/// <summary>What is wanted of one frame.</summary>
public sealed record AnalysisRequest
{
    /// <summary>Decide the verdict, and with <see cref="MaskPolicy.WhenSuspected"/> whether the segmentor runs.</summary>
    public VerdictThresholds Thresholds { get; init; } = VerdictThresholds.Default;

    public MaskPolicy MaskPolicy { get; init; } = MaskPolicy.WhenSuspected;

    public MaskEncoding MaskEncoding { get; init; } = MaskEncoding.Rle;

    /// <summary>Bytes; an encoded mask longer than this is left out (<see cref="FrameAnalysis.MaskOmission"/>).</summary>
    public int MaxMaskBytes { get; init; } = int.MaxValue;

    /// <summary>Whether the soft map comes with the mask, whatever that is encoded as: <see cref="FrameAnalysis.SoftMask"/>.</summary>
    public bool SoftMask { get; init; }

    /// <summary>Whether the picture is looked at in tiles.</summary>
    public TileRequest Tiles { get; init; } = TileRequest.None;

    /// <summary>
    /// What the session has seen of its tiles, where each frame shows some of them. Its frames are let in one at a time, in the order in which they came. Null: the frame
    /// is looked at by itself.
    /// </summary>
    public TileWindow? TileWindow { get; init; }

    /// <summary>Whether what explains the findings is measured too: <see cref="FrameAnalysis.Evidence"/>.</summary>
    public bool Evidence { get; init; }

    /// <summary>Whether what was read and found is digested: <see cref="FrameAnalysis.Digests"/>.</summary>
    public bool Digests { get; init; }

    /// <summary>Whether the picture is summed up, to be compared with others: <see cref="FrameAnalysis.ColorLayout"/>.</summary>
    public bool ColorLayout { get; init; }

    /// <summary>Whether the decoded picture comes back, to be shown: <see cref="FrameAnalysis.Picture"/>.</summary>
    public bool Picture { get; init; }

    /// <summary>Goes before frames that are not, wherever it waits: for frames that lose their worth. Of one session all are, or none.</summary>
    public bool IsUrgent { get; init; }

    /// <summary>Run in batches of one, so that the answer does not depend on what else runs.</summary>
    public bool Deterministic { get; init; }

    /// <summary>
    /// The session that the frame adapts. Its frames are let in one at a time, in the order in which they came, each when the one before it has left.
    /// Null: the package's parameters.
    /// </summary>
    public AdaptationSession? Adaptation { get; init; }

    /// <summary>
    /// <see cref="TimeProvider.GetTimestamp"/> of the frame's receipt; timings count from it. 0: now.
    /// </summary>
    public long ReceivedAt { get; init; }

    /// <summary>What is not done although it would be.</summary>
    public Economies Economies { get; init; }

    /// <summary>The frame's trace; null: it has none.</summary>
    public FrameSpan? Span { get; init; }

    /// <summary>Age from which the frame is of no use: unless its last stage has begun by then it is answered <see cref="FailureKind.Expired"/>, at once where it waits. Null: never.</summary>
    public TimeSpan? MaxAge { get; init; }
}

/// <summary>Work of a frame that can be left out, and its answer is still good.</summary>
[Flags]
public enum Economies
{
    None = 0,

    /// <summary>The session's parameters stay as they are.</summary>
    NoAdaptationStep = 1,
    NoDualVerdict = 2,
    NoMask = 4,
}

/// <summary>When a mask is computed.</summary>
public enum MaskPolicy
{
    /// <summary>When the verdict is not authentic.</summary>
    WhenSuspected,
    Always,
    Never,
}

/// <summary>How a mask is written.</summary>
public enum MaskEncoding
{
    /// <summary>COCO compressed counts.</summary>
    Rle,

    /// <summary>One channel, 255 where forged.</summary>
    Png,

    /// <summary>One channel, round(255 · min(1, soft value)).</summary>
    SoftPng,
}

/// <summary>The score against two thresholds.</summary>
public enum Verdict
{
    Authentic,
    Uncertain,
    Manipulated,
}

/// <summary>Where a score becomes a verdict.</summary>
/// <param name="Low">Below it: authentic. 0 to <paramref name="High"/>.</param>
/// <param name="High">From it on: manipulated. At most 1.</param>
public readonly record struct VerdictThresholds(float Low, float High)
{
    /// <summary>0.4 and 0.6.</summary>
    public static VerdictThresholds Default => new(0.4f, 0.6f);

    public bool IsValid => Low >= 0 && Low <= High && High <= 1;

    public Verdict VerdictOf(float score) =>
        score < Low ? Verdict.Authentic : score >= High ? Verdict.Manipulated : Verdict.Uncertain;
}
