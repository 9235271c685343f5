using LoupeGrpc.Engine;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Logs;
using LoupeGrpc.Server.Models;
using LoupeGrpc.Server.Sessions.Adaptation;
using LoupeGrpc.Server.Sessions.Frames;
using LoupeGrpc.Server.Sessions.Keeping;
using LoupeGrpc.Server.Sessions.Memory;
using LoupeGrpc.Server.Sessions.Receipts;

namespace LoupeGrpc.Server.Sessions;

/// <summary>What all sessions share.</summary>
internal sealed record SessionServices(
    ModelRepository Models,
    FrameScheduler Scheduler,
    MemoryLedger Ledger,
    AdaptationBudget AdaptationBudget,
    StateTurns StateTurns,
    SessionMetrics Metrics,
    FrameTraces Traces,
    AuditLog Audit,
    SessionKeeping Keeping,
    ReceiptWriter Receipts,
    LiveOptions Live,
    TimeProvider Time,
    ILogger<AnalyzeSession> Logger)
{
    /// <summary>As they are now.</summary>
    public LoupeOptions Options => Live.Current;

    /// <summary>Thresholds of those who give none.</summary>
    /// <param name="model">As they name it; empty: the default.</param>
    public VerdictThresholds ThresholdsOf(string model) => Options.Thresholds.For(Models.Describe(model)?.Calibration?.Thresholds);
}
