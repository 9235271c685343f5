using System.Diagnostics.Metrics;

namespace LoupeGrpc.Execution;

/// <summary>Instruments of the meter <c>LoupeGrpc.Execution</c>: which execution provider serves, and what becomes of the others.</summary>
public sealed class LadderMetrics
{
    public const string MeterName = "LoupeGrpc.Execution";

    public LadderMetrics(IMeterFactory meters, IFrameAnalyzer analyzer)
    {
        var meter = meters.Create(MeterName);
        meter.CreateObservableGauge(
            "loupe.execution.rung",
            () => analyzer.Ladder.Select(static rung => new Measurement<int>(1, [.. Tags(rung), new("state", NameOf(rung.State))])),
            "{rung}",
            "1 for each configured execution provider, with its state: serving, standby, preparing, unavailable or demoted.");
        meter.CreateObservableGauge(
            "loupe.execution.sessions",
            () => analyzer.Ladder.Select(static rung => new Measurement<int>(rung.Sessions, Tags(rung))),
            "{session}",
            "Sessions that an execution provider serves now.");
        meter.CreateObservableGauge(
            "loupe.execution.build.elapsed",
            () => analyzer.Ladder.Select(static rung => new Measurement<double>(rung.Elapsed?.TotalSeconds ?? 0, Tags(rung))),
            "s",
            "Since when the engines of an execution provider are being built; 0 where none are.");
    }

    private static string NameOf(RungState state) => state.ToString().ToLowerInvariant();

    private static KeyValuePair<string, object?>[] Tags(RungReport rung) => [new("provider", rung.Provider), new("precision", rung.Precision)];
}
