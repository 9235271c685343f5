using LoupeGrpc.Server.Logs;

namespace LoupeGrpc.Server.Sessions;

/// <summary>What the audit log keeps of a session.</summary>
internal static class SessionAudit
{
    public static AuditEntry Opened(AnalyzeSession session) => new(
        "opened",
        session.Opening.Owner,
        session.Peer,
        ("session", session.Id), ("name", session.Name), ("client", session.Client), ("delivery", session.Opening.Delivery.ToString()),
        ("adapts", session.Opening.Adaptation is null ? "no" : "yes"));

    /// <param name="peer">That has it now.</param>
    public static AuditEntry Resumed(AnalyzeSession session, string peer) => new("resumed", session.Opening.Owner, peer, ("session", session.Id));

    /// <param name="peer">That has it now.</param>
    public static AuditEntry TakenOver(AnalyzeSession session, string peer) =>
        new("taken_over", session.Opening.Owner, peer, ("session", session.Id), ("from", session.Peer));

    public static AuditEntry Ended(AnalyzeSession session, SessionEnd end, SessionSummary summary) => new(
        "ended",
        session.Opening.Owner,
        session.Peer,
        ("session", session.Id), ("how", end.Name), ("seconds", Math.Round(summary.Duration.TotalSeconds, 3)), ("frames", summary.Frames), ("results", summary.Results),
        ("dropped", summary.Dropped), ("expired", summary.Expired), ("failed", summary.Failed));
}
