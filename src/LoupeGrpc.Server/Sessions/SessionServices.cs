using LoupeGrpc.Execution;
using LoupeGrpc.Server.Configuration;

namespace LoupeGrpc.Server.Sessions;

/// <summary>What all sessions share.</summary>
internal sealed record SessionServices(
    IFrameAnalyzer Analyzer,
    FrameScheduler Scheduler,
    MemoryLedger Ledger,
    AdaptationBudget AdaptationBudget,
    SessionMetrics Metrics,
    FrameTraces Traces,
    LoupeOptions Options,
    TimeProvider Time,
    ILogger<AnalyzeSession> Logger);
