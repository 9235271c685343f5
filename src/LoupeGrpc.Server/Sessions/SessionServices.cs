using LoupeGrpc.Execution;
using LoupeGrpc.Server.Configuration;

namespace LoupeGrpc.Server.Sessions;

/// <summary>What all sessions share.</summary>
/// <param name="Bytes">The budget of the frames of all calls.</param>
internal sealed record SessionServices(
    IFrameAnalyzer Analyzer,
    FrameScheduler Scheduler,
    ServerBytes Bytes,
    AdaptationBudget AdaptationBudget,
    SessionMetrics Metrics,
    LoupeOptions Options,
    TimeProvider Time,
    ILogger<AnalyzeSession> Logger);
