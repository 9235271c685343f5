using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.Server.Sessions.Frames;
using LoupeGrpc.Server.Sessions.Temporal;

namespace LoupeGrpc.Server.Sessions;

/// <summary>What became of the frames of a session.</summary>
/// <param name="FrameBytes">Of all frames received.</param>
/// <param name="Timeline">Runs of manipulated frames, oldest first.</param>
/// <param name="TimelineTruncated">There were more.</param>
/// <param name="Adaptation">Null where the session does not adapt.</param>
internal sealed record SessionSummary(
    ulong Frames,
    ulong Results,
    ulong Dropped,
    ulong Expired,
    ulong Failed,
    IReadOnlyDictionary<DropCause, ulong> DropCauses,
    IReadOnlyDictionary<FailureKind, ulong> Failures,
    IReadOnlyDictionary<Verdict, ulong> Verdicts,
    IReadOnlyList<ManipulatedSegment> Timeline,
    bool TimelineTruncated,
    ulong FrameBytes,
    TimeSpan Duration,
    AdaptationReport? Adaptation)
{
    /// <summary>That no further receipt follows, signed; empty where there was none.</summary>
    public ReadOnlyMemory<byte> Receipt { get; init; }

    /// <summary>Where it is manipulated by its verdicts over time, oldest first, the last one may go on; empty where it has none.</summary>
    public IReadOnlyList<TemporalSegment> Segments { get; init; } = [];

    /// <summary>There were more.</summary>
    public bool SegmentsTruncated { get; init; }

    /// <summary>That were told from each other; 0 where it has no verdicts over time.</summary>
    public ulong Scenes { get; init; }
}

/// <summary>Frames in a row with the verdict manipulated; frames without a result do not end it.</summary>
/// <param name="Frames">Those with the verdict.</param>
internal sealed record ManipulatedSegment(
    ulong FirstSequence, ulong LastSequence, CaptureTime? Start, CaptureTime? End, float PeakScore, ulong Frames);
