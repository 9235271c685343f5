using LoupeGrpc.Execution;
using LoupeGrpc.Server.Health;
using LoupeGrpc.Server.Sessions;

namespace LoupeGrpc.Server.Hosting;

/// <summary>What <c>/info</c> answers: what runs here, for people and scripts without gRPC.</summary>
/// <param name="Model">Name, <c>@</c>, first eight digits of its hash.</param>
/// <param name="Ladder">Every configured execution provider, in the order of preference.</param>
internal sealed record OperationsInfo(
    string Server, string Model, bool Demonstration, string Provider, string Precision, bool Ready, DateTimeOffset? ReadySince, int Sessions,
    IReadOnlyList<OperationsRung> Ladder)
{
    public static OperationsInfo Of(IFrameAnalyzer analyzer, ServingState serving, SessionRegistry sessions) => new(
        $"loupe-grpc-server/{ProductVersion.Informational}", ModelName(analyzer), analyzer.Model.Demonstration, analyzer.Execution.Provider,
        analyzer.Execution.Precision, serving.IsServing, serving.ReadySince, sessions.Connected,
        [.. analyzer.Ladder.Select(static rung => new OperationsRung(
            rung.Provider, rung.State.ToString().ToLowerInvariant(), rung.Reason, rung.Precision, rung.Device, rung.Elapsed?.TotalSeconds, rung.Sessions))]);

    /// <summary>The model as the ready line names it.</summary>
    public static string ModelName(IFrameAnalyzer analyzer) => $"{analyzer.Model.Name}@{analyzer.Model.Hash[..8]}";
}

/// <summary>What became of one configured execution provider.</summary>
/// <param name="State"><c>serving</c>, <c>standby</c>, <c>preparing</c>, <c>unavailable</c> or <c>demoted</c>.</param>
/// <param name="Reason">Why, or what it waits for; may be empty.</param>
/// <param name="ElapsedSeconds">Since its engines are being built; null where none are.</param>
internal sealed record OperationsRung(string Provider, string State, string Reason, string Precision, string Device, double? ElapsedSeconds, int Sessions);
