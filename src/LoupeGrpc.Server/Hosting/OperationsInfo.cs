using LoupeGrpc.Server.Health;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.Server.Streaming;

namespace LoupeGrpc.Server.Hosting;

/// <summary>What <c>/info</c> answers: what runs here, for people and scripts without gRPC.</summary>
/// <param name="Model">Name, <c>@</c>, first eight digits of its hash.</param>
internal sealed record OperationsInfo(
    string Server, string Model, bool Demonstration, string Provider, string Precision, bool Ready, DateTimeOffset? ReadySince, int Sessions)
{
    public static OperationsInfo Of(IFrameAnalyzer analyzer, ServingState serving, SessionRegistry sessions) => new(
        $"loupe-grpc-server/{ProductVersion.Informational}", ModelName(analyzer), analyzer.Model.Demonstration, analyzer.Execution.Provider,
        analyzer.Execution.Precision, serving.IsServing, serving.ReadySince, sessions.Count);

    /// <summary>The model as the ready line names it.</summary>
    public static string ModelName(IFrameAnalyzer analyzer) => $"{analyzer.Model.Name}@{analyzer.Model.Hash[..8]}";
}
