using System.Text.Json.Serialization;
using LoupeGrpc.Engine;

namespace LoupeGrpc.Server.Sessions.Temporal;

/// <summary>A frame with a result, as far as it is judged over time.</summary>
/// <param name="Sequence">Above those before it.</param>
/// <param name="Score">0 to 1.</param>
/// <param name="Thresholds">In force for it.</param>
/// <param name="ColorLayout">As <see cref="FrameAnalysis.ColorLayout"/>; empty: nothing is known of the scene.</param>
internal readonly record struct JudgedFrame(ulong Sequence, CaptureTime? Time, float Score, VerdictThresholds Thresholds, ReadOnlyMemory<byte> ColorLayout);

/// <summary>What frames say together.</summary>
/// <param name="Score">The window's mean logit as a score, 0 to 1.</param>
/// <param name="Frames">In the window.</param>
/// <param name="Counted">The frame is one of them.</param>
/// <param name="Scene">From 0.</param>
/// <param name="Since">Sequence number of the first frame of the segment; 0 where the verdict is not manipulated.</param>
internal readonly record struct TemporalVerdict(Verdict Verdict, float Score, int Frames, bool Counted, ulong Scene, ulong Since);

/// <summary>A stretch whose verdict over time is manipulated, in one scene; it begins and ends with a frame that is so by itself. Immutable.</summary>
/// <param name="Evidence">Frames with high scores, spread over it, in order, <paramref name="Peak"/> among them.</param>
/// <param name="Results">Frames in it that were judged.</param>
/// <param name="Manipulated">Those that are so by themselves.</param>
internal sealed record TemporalSegment(
    EvidenceFrame First, EvidenceFrame Last, EvidenceFrame Peak, IReadOnlyList<EvidenceFrame> Evidence, ulong Results, ulong Manipulated, ulong Scene)
{
    /// <summary>The other frames in it.</summary>
    [JsonIgnore]
    public ulong Missing => Last.Sequence - First.Sequence + 1 - Results;
}

/// <summary>A frame of a segment.</summary>
internal readonly record struct EvidenceFrame(ulong Sequence, CaptureTime? Time, float Score);
