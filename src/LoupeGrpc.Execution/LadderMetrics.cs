using System.Diagnostics.Metrics;

namespace LoupeGrpc.Execution;

/// <summary>Instruments of the meter <c>LoupeGrpc.Execution</c>: which execution provider serves, and what becomes of the others.</summary>
public sealed class LadderMetrics
{
    public const string MeterName = "LoupeGrpc.Execution";

    /// <param name="ladders">Of each model that serves, under its name.</param>
    public LadderMetrics(IMeterFactory meters, Func<IEnumerable<KeyValuePair<string, IFrameAnalyzer>>> ladders)
    {
        var meter = meters.Create(MeterName);
        meter.CreateObservableGauge(
            "loupe.execution.rung",
            () => Rungs().Select(static rung => new Measurement<int>(1, [.. Tags(rung), new("state", NameOf(rung.Rung.State))])),
            "{rung}",
            "1 for each configured execution provider, with its state: serving, standby, preparing, unavailable or demoted.");
        meter.CreateObservableGauge(
            "loupe.execution.sessions",
            () => Rungs().Select(static rung => new Measurement<int>(rung.Rung.Sessions, Tags(rung))),
            "{session}",
            "Sessions that an execution provider serves now.");
        meter.CreateObservableGauge(
            "loupe.execution.build.elapsed",
            () => Rungs().Select(static rung => new Measurement<double>(rung.Rung.Elapsed?.TotalSeconds ?? 0, Tags(rung))),
            "s",
            "Since when the engines of an execution provider are being built; 0 where none are.");

        IEnumerable<(string Model, RungReport Rung)> Rungs() => ladders().SelectMany(static ladder => ladder.Value.Ladder.Select(rung => (ladder.Key, rung)));
    }

    private static string NameOf(RungState state) => state.ToString().ToLowerInvariant();

    private static KeyValuePair<string, object?>[] Tags((string Model, RungReport Rung) of) =>
        [new("model", of.Model), new("provider", of.Rung.Provider), new("precision", of.Rung.Precision)];
}
