using System.Text.Json.Serialization;
using LoupeGrpc.Server.Configuration;

namespace LoupeGrpc.Server.Sessions.Temporal;

/// <summary>How the frames of a session are judged over time. Immutable.</summary>
/// <param name="Window">Frames older than it, by their capture time, leave the window.</param>
/// <param name="MaxFrames">In the window; at least <paramref name="MinFrames"/>.</param>
/// <param name="MinFrames">That a verdict other than uncertain needs, at least 1; so many stay in the window however old they are.</param>
/// <param name="CutChange">From it on two frames are of different scenes: see <see cref="SceneChange"/>, above 0. 1: none is seen.</param>
/// <param name="MaxSegments">That are kept.</param>
internal sealed record TemporalSettings(TimeSpan Window, int MaxFrames, int MinFrames, float CutChange, int MaxSegments)
{
    public static readonly TimeSpan LongestWindow = TimeSpan.FromHours(1);

    /// <summary>Bytes of a segment on the wire, at most.</summary>
    private const int SegmentBytes = 256;

    /// <summary>Bytes of a summary without its segments: its timeline, mostly.</summary>
    private const int SummaryReserve = 56 << 10;

    [JsonIgnore]
    public bool IsValid =>
        Window > TimeSpan.Zero && Window <= LongestWindow
        && MinFrames >= 1 && MinFrames <= MaxFrames && MaxFrames <= TemporalOptions.MostFrames
        && CutChange is > 0 and <= 1
        && MaxSegments is >= 1 and <= TemporalOptions.MostSegments;

    /// <summary>As many segments as a summary has room for.</summary>
    /// <param name="responseBytes">Largest response, 64 KiB or more.</param>
    public TemporalSettings Within(int responseBytes) => this with { MaxSegments = Math.Min(MaxSegments, (responseBytes - SummaryReserve) / SegmentBytes) };
}
