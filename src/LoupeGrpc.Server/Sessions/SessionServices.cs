using LoupeGrpc.Execution;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Logs;

namespace LoupeGrpc.Server.Sessions;

/// <summary>What all sessions share.</summary>
internal sealed record SessionServices(
    IFrameAnalyzer Analyzer,
    FrameScheduler Scheduler,
    MemoryLedger Ledger,
    AdaptationBudget AdaptationBudget,
    SessionMetrics Metrics,
    FrameTraces Traces,
    AuditLog Audit,
    SessionKeeping Keeping,
    LiveOptions Live,
    TimeProvider Time,
    ILogger<AnalyzeSession> Logger)
{
    /// <summary>As they are now.</summary>
    public LoupeOptions Options => Live.Current;
}
