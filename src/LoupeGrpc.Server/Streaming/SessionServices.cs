using LoupeGrpc.Server.Configuration;

namespace LoupeGrpc.Server.Streaming;

/// <summary>What all sessions share.</summary>
/// <param name="Bytes">The budget of the frames of all calls.</param>
internal sealed record SessionServices(
    IFrameAnalyzer Analyzer,
    ServerBytes Bytes,
    AdaptationBudget AdaptationBudget,
    SessionMetrics Metrics,
    LoupeOptions Options,
    TimeProvider Time,
    ILogger<AnalyzeSession> Logger);
