using System.Diagnostics.Metrics;

namespace LoupeGrpc.Server.Models;

/// <summary>Which packages are loaded, and who is on them: instruments of the meter <c>LoupeGrpc.Server</c>.</summary>
internal sealed class ModelMetrics
{
    /// <summary>Of the whole server.</summary>
    private const string MeterName = "LoupeGrpc.Server";

    public ModelMetrics(IMeterFactory meters, ModelRepository models)
    {
        var meter = meters.Create(MeterName);
        meter.CreateObservableGauge(
            "loupe.model.loaded",
            () => models.List().Select(static model => new Measurement<int>(1, [.. Tags(model), new("state", model.IsLeaving ? "leaving" : "serving")])),
            "{package}",
            "1 for each model package in memory: serving, or leaving where another has its name and its sessions have not ended yet.");
        meter.CreateObservableGauge(
            "loupe.model.sessions",
            // Of one that was changed there and back there may be two with the same hash.
            () => models.List().GroupBy(static model => (model.Name, model.Analyzer.Model.Hash)).Select(static same => new Measurement<int>(same.Sum(static model => model.Users), Tags(same.First()))),
            "{session}",
            "Sessions, and single pictures, that a model package serves now.");
    }

    private static KeyValuePair<string, object?>[] Tags(ModelStatus model) => [new("model", model.Name), new("hash", model.Analyzer.Model.Hash)];
}
