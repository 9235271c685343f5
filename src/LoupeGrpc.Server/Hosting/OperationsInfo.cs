using LoupeGrpc.Execution;
using LoupeGrpc.Server.Health;
using LoupeGrpc.Server.Models;
using LoupeGrpc.Server.Sessions;

namespace LoupeGrpc.Server.Hosting;

/// <summary>What <c>/info</c> answers: what runs here, for people and scripts without gRPC.</summary>
/// <param name="Model">Name, <c>@</c>, first eight digits of its hash.</param>
/// <param name="Ladder">Every configured execution provider, in the order of preference.</param>
/// <param name="Models">Every package that is loaded: the default first, those that leave last. What stands beside it is the default's.</param>
internal sealed record OperationsInfo(
    string Server, string Model, bool Demonstration, string Provider, string Precision, bool Ready, DateTimeOffset? ReadySince, int Sessions,
    IReadOnlyList<OperationsRung> Ladder, IReadOnlyList<OperationsModel> Models)
{
    public static OperationsInfo Of(ModelRepository models, ServingState serving, SessionRegistry sessions) => Of(models.Default, models, serving, sessions);

    private static OperationsInfo Of(IFrameAnalyzer analyzer, ModelRepository models, ServingState serving, SessionRegistry sessions) => new(
        $"loupe-grpc-server/{ProductVersion.Informational}", analyzer.Model.Title, analyzer.Model.Demonstration, analyzer.Execution.Provider,
        analyzer.Execution.Precision, serving.IsServing, serving.ReadySince, sessions.Connected,
        [.. analyzer.Ladder.Select(static rung => new OperationsRung(
            rung.Provider, rung.State.ToString().ToLowerInvariant(), rung.Reason, rung.Precision, rung.Device, rung.Elapsed?.TotalSeconds, rung.Sessions))],
        [.. models.List().Select(static model => new OperationsModel(
            model.Name, model.Analyzer.Model.Title, model.IsLeaving ? "leaving" : "serving", model.Analyzer.Model.Hash, model.Analyzer.Model.Demonstration,
            model.Analyzer.Execution.Provider, model.Analyzer.Execution.Precision, model.Users))]);
}

/// <summary>A package that is loaded.</summary>
/// <param name="Name">That clients ask for.</param>
/// <param name="Model">As in <see cref="OperationsInfo"/>.</param>
/// <param name="State"><c>serving</c>, or <c>leaving</c> where another has its name by now.</param>
/// <param name="Sessions">And single pictures.</param>
internal sealed record OperationsModel(
    string Name, string Model, string State, string Hash, bool Demonstration, string Provider, string Precision, int Sessions);

/// <summary>What became of one configured execution provider.</summary>
/// <param name="State"><c>serving</c>, <c>standby</c>, <c>preparing</c>, <c>unavailable</c> or <c>demoted</c>.</param>
/// <param name="Reason">Why, or what it waits for; may be empty.</param>
/// <param name="ElapsedSeconds">Since its engines are being built; null where none are.</param>
internal sealed record OperationsRung(string Provider, string State, string Reason, string Precision, string Device, double? ElapsedSeconds, int Sessions);
