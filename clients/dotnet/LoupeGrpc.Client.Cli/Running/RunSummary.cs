using System.Globalization;

namespace LoupeGrpc.Client.Cli.Running;

/// <summary>The lines that end a run, for people.</summary>
internal static class RunSummary
{
    /// <summary>More stretches than this are not read by anyone.</summary>
    private const int MaxSegments = 20;

    /// <param name="tally">What was counted here.</param>
    /// <param name="report">What the server said.</param>
    /// <param name="elapsed">How long the run took.</param>
    /// <param name="remark">What the source says about what was there and was not analysed; null: nothing.</param>
    /// <param name="files">What was written.</param>
    public static IEnumerable<string> Lines(RunTally tally, RunReport report, TimeSpan elapsed, string? remark, IEnumerable<string> files)
    {
        yield return Counts(tally, elapsed);
        if (remark is not null)
        {
            yield return remark;
        }

        if (report.Grant is { Model: { } model, Execution: { } execution })
        {
            yield return $"model {model.Name}@{model.Hash[..Math.Min(8, model.Hash.Length)]}, {execution.Provider} {execution.Precision}";
        }

        if (report is { Summary: { } summary } && (report.Origin is not null || report.IsJudgedOverTime))
        {
            foreach (var line in Segments(report))
            {
                yield return line;
            }

            if (summary.Adaptation is { } state)
            {
                yield return Invariant(
                    $"adaptation: {state.Step} steps, drift {state.Drift:0.0000}, last loss {state.LastLoss:0.00}{(state.Frozen ? ", frozen" : "")}");
            }
        }

        foreach (var line in files)
        {
            yield return line;
        }
    }

    private static string Counts(RunTally tally, TimeSpan elapsed)
    {
        var parts = new List<string>
        {
            Invariant($"{tally.Results} analysed: {tally.Manipulated} manipulated, {tally.Uncertain} uncertain, {tally.Authentic} authentic"),
        };
        AddIfAny(tally.Dropped, "dropped");
        AddIfAny(tally.Expired, "expired");
        AddIfAny(tally.Failed, "failed");
        AddIfAny(tally.Skipped, "skipped, analysed by an earlier run");
        var seconds = elapsed.TotalSeconds;
        var rate = seconds > 0 ? Invariant($", {tally.Results / seconds:0.0} a second") : "";
        return Invariant($"{string.Join("; ", parts)} ({seconds:0.0} s{rate})");

        void AddIfAny(long count, string what)
        {
            if (count > 0)
            {
                parts.Add(Invariant($"{count} {what}"));
            }
        }
    }

    /// <summary>The manipulated stretches of a stream, in its own time.</summary>
    public static IEnumerable<string> Segments(RunReport report)
    {
        var stretches = Stretch.Of(report);
        if (report is { IsJudgedOverTime: true, Summary: { } summary })
        {
            yield return Invariant($"over time: {Count(summary.Segments.Count, "manipulated segment")}, {Count((long)summary.Scenes, "scene")}");
        }

        foreach (var stretch in stretches.Take(MaxSegments))
        {
            yield return stretch.Text;
        }

        if (Stretch.AreMore(report) || stretches.Count > MaxSegments)
        {
            yield return "manipulated: further stretches, see the results";
        }
    }

    private static string Count(long count, string what) => Invariant($"{(count == 0 ? "no" : count)} {what}{(count == 1 ? "" : "s")}");

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
