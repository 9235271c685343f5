using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.Server.Sessions.Frames;

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
}

/// <summary>Frames in a row with the verdict manipulated; frames without a result do not end it.</summary>
/// <param name="Frames">Those with the verdict.</param>
internal sealed record ManipulatedSegment(
    ulong FirstSequence, ulong LastSequence, CaptureTime? Start, CaptureTime? End, float PeakScore, ulong Frames);
