using LoupeGrpc.Packaging;
using LoupeGrpc.Server.Calibration;

namespace LoupeGrpc.Server.Commands;

/// <summary>The calibration of a package for people.</summary>
internal static class CalibrationLines
{
    /// <param name="manifest">With a calibration.</param>
    public static IEnumerable<string> Of(ModelManifest manifest)
    {
        var made = manifest.Calibration!;
        var tiles = manifest.Tiles is { } settings ? Invariant($", bias of tiles {settings.Bias:0.####}") : string.Empty;
        yield return Invariant($"calibrated  {made.MadeAt:yyyy-MM-dd HH:mm:ss}Z by {made.Producer} on {made.Execution.Provider} {made.Execution.Precision}");
        yield return $"            from {made.Parent.Name}@{made.Parent.Hash[..8]}, version {made.Parent.Version}";
        yield return Invariant($"scores      temperature {made.Temperature:0.####}, bias {made.Bias:0.####}{tiles}");
        yield return Invariant($"thresholds  AUTHENTIC below {made.Thresholds.Low}, MANIPULATED from {made.Thresholds.High}");
        var sure = made.Confidence is { } confidence ? $"with {CalibrationWarnings.Percent(confidence)} confidence" : "on average";
        yield return $"wished      at most {CalibrationWarnings.Percent(made.FalseAlarms)} false alarms, {sure}";
        foreach (var line in Of("whole", made.Whole).Concat(made.Tiles is { } tiled ? Of("in tiles", tiled) : []))
        {
            yield return line;
        }
    }

    private static IEnumerable<string> Of(string path, CalibrationEvidence evidence)
    {
        yield return $"{path,-10}  {evidence.Authentic} authentic and {evidence.Forged} forged pictures{Rate("false alarms", evidence.FalseAlarms)}{Rate("missed", evidence.Misses)}";
        if (evidence is { Before: { } before })
        {
            yield return evidence.After is { } after
                ? Invariant($"            log loss {before.LogLoss:0.000} before, {after.LogLoss:0.000} after; calibration error {before.CalibrationError:0.000} before, {after.CalibrationError:0.000} after (pictures unseen by the fit)")
                : Invariant($"            log loss {before.LogLoss:0.000}, calibration error {before.CalibrationError:0.000} before; too few pictures to judge what came after");
        }
    }

    private static string Rate(string what, ObservedRate? rate) => rate is null
        ? string.Empty
        : $"; {what} {rate.Count} of {rate.Of} (on others {CalibrationWarnings.Percent(rate.Low)} to {CalibrationWarnings.Percent(rate.High)}, at 95 %)";

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}
