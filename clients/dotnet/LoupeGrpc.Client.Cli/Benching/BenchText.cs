using System.Globalization;

namespace LoupeGrpc.Client.Cli.Benching;

/// <summary>What a benchmark measured, in lines for people; beside an earlier one where there is one.</summary>
internal static class BenchText
{
    /// <param name="earlier">Null: there is none.</param>
    public static IEnumerable<string> Lines(BenchFigures figures, BenchFigures? earlier)
    {
        yield return $"{figures.Server}: {figures.Model}, {figures.Execution}";
        yield return Describe(figures);
        if (earlier is not null)
        {
            yield return $"compared with {earlier.Started.UtcDateTime.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture)} UTC, {earlier.Server}: {earlier.Model}, {earlier.Execution}";
            if (Describe(earlier) is var then && then != Describe(figures))
            {
                yield return $"the load was another then: {then}";
            }

            yield return $"{"",-26}{"now",10}{"then",10}{"ratio",8}";
        }

        foreach (var (name, value, unit) in Rows(figures))
        {
            yield return earlier is not null && Rows(earlier).FirstOrDefault(row => row.Name == name) is { Name: not null } then
                ? Invariant($"{name,-26}{value,10:0.00}{then.Value,10:0.00}{(then.Value > 0 ? Invariant($"{value / then.Value:0.00}") : "-"),8}  {unit}")
                : Invariant($"{name,-26}{value,10:0.00}{(earlier is null ? "" : Invariant($"{"-",10}{"-",8}"))}  {unit}");
        }

        var outcomes = figures.Outcomes;
        yield return Invariant($"{outcomes.Result} results, {outcomes.Dropped} dropped, {outcomes.Expired} expired, {outcomes.Failed} failed, {outcomes.Unsent} due but never sent");
        if (figures.ExplainedMs is { } explained)
        {
            yield return Invariant($"of {explained.Outside:0.0} ms from due to result the server had the frame for {explained.Server:0.0}, of which its stages and their queues are {explained.Stages:0.0}; the rest is the way there and back, and waiting to be sent");
        }
    }

    private static string Describe(BenchFigures figures)
    {
        var load = figures switch
        {
            { Window: { } window } => Invariant($"{window} frames of each in flight"),
            { Rate: { } rate } => Invariant($"{rate:0.###} frames a second, {figures.Load}"),
            _ => "at the times of a trace",
        };
        var adapts = figures.Adapts ? ", adapting" : "";
        return Invariant($"{figures.Streams} streams, {load}; {figures.Pictures} pictures of {figures.PictureBytes / 1024.0:0} KiB, masks {Words(figures.Mask)}, {Words(figures.Delivery)}{adapts}; {figures.Seconds:0.#} s after {figures.WarmUpSeconds:0.#} s");
    }

    private static IEnumerable<(string Name, double Value, string Unit)> Rows(BenchFigures figures)
    {
        yield return ("frames a second", figures.FramesPerSecond, "");
        foreach (var row in Spread("latency", figures.LatencyMs).Concat(Spread("age at the server", figures.AgeMs)).Concat(Spread("sent late by", figures.LagMs)))
        {
            yield return row;
        }

        foreach (var (stage, mean) in figures.ServerStageMs.Where(static stage => stage.Value > 0))
        {
            yield return ($"server: {stage}", mean, "ms, mean");
        }
    }

    private static IEnumerable<(string Name, double Value, string Unit)> Spread(string name, BenchSpread? spread) => spread is null
        ? []
        :
        [
            ($"{name} p50", spread.P50, "ms"), ($"{name} p90", spread.P90, "ms"), ($"{name} p99", spread.P99, "ms"),
            ($"{name} p99.9", spread.P999, "ms"), ($"{name} max", spread.Max, "ms"),
        ];

    /// <summary>From the name of an enum's value.</summary>
    private static string Words(string name) => string.Concat(name.Select(static (letter, at) => at > 0 && char.IsUpper(letter) ? $" {char.ToLowerInvariant(letter)}" : $"{char.ToLowerInvariant(letter)}"));

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
