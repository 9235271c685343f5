using LoupeGrpc.V1;
using static System.FormattableString;

namespace LoupeGrpc.Client.Cli.Running;

/// <summary>A manipulated stretch of a stream: by its verdicts over time where the session has them, else by those of its frames, one by one.</summary>
/// <param name="First">The server's number of its first frame.</param>
/// <param name="Last">That of its last frame.</param>
/// <param name="Start">Seconds of the stream; null where its frames have no times.</param>
/// <param name="End">As <paramref name="Start"/>.</param>
/// <param name="Text">For people.</param>
internal sealed record Stretch(ulong First, ulong Last, double? Start, double? End, string Text)
{
    /// <summary>In order; empty where the server's summary did not come.</summary>
    public static IReadOnlyList<Stretch> Of(RunReport report) => report switch
    {
        { Summary: { } summary, IsJudgedOverTime: true } => [.. summary.Segments.Select(segment => Of(segment, report.Origin))],
        { Summary: { } summary, Origin: { } origin } => [.. summary.Timeline.Where(static run => run.Start is not null && run.End is not null).Select(run => Of(run, origin))],
        _ => [],
    };

    /// <summary>Whether the server left some out.</summary>
    public static bool AreMore(RunReport report) =>
        report.Summary is { } summary && (report.IsJudgedOverTime ? summary.SegmentsTruncated : summary.TimelineTruncated);

    private static Stretch Of(ManipulatedSegment run, DateTimeOffset origin)
    {
        var (start, end) = ((run.Start.ToDateTimeOffset() - origin).TotalSeconds, (run.End.ToDateTimeOffset() - origin).TotalSeconds);
        return new Stretch(
            run.FirstSequence, run.LastSequence, start, end, Invariant($"manipulated from {start:0.00} s to {end:0.00} s: {run.Frames} frames, highest score {run.PeakScore:0.000}"));
    }

    private static Stretch Of(TemporalSegment segment, DateTimeOffset? origin)
    {
        var (start, end) = (Seconds(segment.Start, origin), Seconds(segment.End, origin));
        var place = start is null || end is null
            ? Invariant($"from frame {segment.FirstSequence} to frame {segment.LastSequence}")
            : Invariant($"from {start:0.00} s to {end:0.00} s");
        var missing = segment.Missing > 0 ? Invariant($", {segment.Missing} without a verdict") : "";
        var peak = segment.Peak ?? new TemporalFrame();
        return new Stretch(
            segment.FirstSequence,
            segment.LastSequence,
            start,
            end,
            Invariant($"manipulated over time {place}: {segment.Manipulated} of {segment.Results} frames{missing}, highest score {peak.Score:0.000} at {Place(peak, origin)}; look at {string.Join(", ", segment.Evidence.Select(frame => Place(frame, origin)))}"));
    }

    private static string Place(TemporalFrame frame, DateTimeOffset? origin) =>
        Seconds(frame.Time, origin) is { } seconds ? Invariant($"{seconds:0.00} s") : Invariant($"frame {frame.Sequence}");

    private static double? Seconds(Google.Protobuf.WellKnownTypes.Timestamp? time, DateTimeOffset? origin) =>
        time is null || origin is null ? null : (time.ToDateTimeOffset() - origin.Value).TotalSeconds;
}
