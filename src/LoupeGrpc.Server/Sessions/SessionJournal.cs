using LoupeGrpc.Server.Sessions.Keeping;

namespace LoupeGrpc.Server.Sessions;

/// <summary>Writes down what becomes of a session, in each place where that is kept: the log, the audit log and the metrics.</summary>
internal sealed class SessionJournal(SessionServices services, AnalyzeSession session)
{
    public void Opened()
    {
        services.Metrics.SessionOpened();
        SessionLog.Opened(services.Logger, session.Id, session.Name, session.Client, session.Peer, session.Opening.Delivery);
        services.Audit.Add(SessionAudit.Opened(session));
    }

    /// <summary>It goes on from what another server left of it, without a connection until one is attached.</summary>
    public void Restored(StoredSession stored)
    {
        services.Metrics.SessionOpened();
        services.Metrics.SessionParked();
        services.Metrics.SessionRestored(stored.IsBehind);
        SessionLog.Restored(services.Logger, session.Id, session.Name, stored.Record.Facts.Frames, stored.FramesLost);
    }

    public void Parked(TimeSpan window)
    {
        services.Metrics.SessionParked();
        SessionLog.Parked(services.Logger, session.Id, window);
    }

    /// <param name="peer">That has it now.</param>
    /// <param name="received">Responses that its client has.</param>
    public void Resumed(string peer, ulong received)
    {
        SessionLog.Resumed(services.Logger, session.Id, peer, received);
        services.Audit.Add(SessionAudit.Resumed(session, peer));
        services.Metrics.SessionResumed(wasParked: true);
    }

    /// <inheritdoc cref="Resumed"/>
    public void TakenOver(string peer, ulong received)
    {
        SessionLog.TakenOver(services.Logger, session.Id, session.Peer, peer, received);
        services.Audit.Add(SessionAudit.TakenOver(session, peer));
        services.Metrics.SessionResumed(wasParked: false);
    }

    public void Ended(SessionEnd end, bool wasParked)
    {
        var summary = session.Work.Summarize();
        SessionLog.Ended(
            services.Logger, session.Id, end.Name, summary.Duration.TotalSeconds, summary.Frames, summary.Results, summary.Dropped, summary.Expired, summary.Failed);
        services.Audit.Add(SessionAudit.Ended(session, end, summary));
        services.Metrics.SessionEnded(wasParked);
    }

    /// <summary>Something went wrong at its end, which comes all the same.</summary>
    public void EndFailed(Exception exception) => SessionLog.EndFailed(services.Logger, session.Id, exception);
}
