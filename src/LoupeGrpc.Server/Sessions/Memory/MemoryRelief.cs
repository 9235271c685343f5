using LoupeGrpc.Server.Sessions.Frames;

namespace LoupeGrpc.Server.Sessions.Memory;

/// <summary>
/// Brings the responses that sessions keep back under their limit (<c>Loupe:Limits:MaxRespondingBytes</c>), in this order:
/// <list type="number">
/// <item>Sessions that wait to be resumed are dropped, the one that has waited longest first.</item>
/// <item>Sessions whose client has read nothing for <see cref="Patience"/> are ended, the one that has read nothing for the longest time first.</item>
/// <item>Of the others, who has most to resend forgets it: it goes on, but a break of its connection may cost it responses.</item>
/// </list>
/// Until then, and where that is not enough, sessions that have something to write are held (<see cref="ResponseMemory"/>); here they are let go on.
/// </summary>
internal sealed class MemoryRelief(
    SessionRegistry sessions, MemoryLedger ledger, FrameScheduler scheduler, SessionMetrics metrics, TimeProvider time, ILogger<MemoryRelief> logger) : BackgroundService
{
    /// <summary>How long a client may read nothing while there is something for it.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await ledger.Responses.WhenChanged(stoppingToken).ConfigureAwait(false);
                Relieve();
                scheduler.Pump();
                while (ledger.Responses.IsOver)
                {
                    // Who reads nothing is known by the time that passes, not by anything that happens.
                    await Task.Delay(Interval, time, stoppingToken).ConfigureAwait(false);
                    Relieve();
                    scheduler.Pump();
                }
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
        }
    }

    /// <summary>As far as it goes now.</summary>
    private void Relieve()
    {
        var responses = ledger.Responses;
        while (responses.IsOver)
        {
            if (sessions.LongestParked() is { } parked)
            {
                // Or it was resumed just now, and the next look shows it elsewhere.
                if (parked.TryDrop(SessionEnd.MadeRoom))
                {
                    sessions.Remove(parked);
                    Count(parked, "parked");
                }
            }
            else if (LongestUnread() is { } unread)
            {
                unread.BeginEnd(SessionEnd.Unread, new SessionNotice(NoticeKind.Terminated, SessionEnd.Unread.Name), TimeSpan.Zero);
                unread.Work.Outbox.ForgetAll();
                Count(unread, "unread");
            }
            else if (MostKept() is { } keeper)
            {
                keeper.Work.Outbox.ForgetWritten();
                Count(keeper, "kept");
            }
            else
            {
                return;
            }
        }
    }

    private AnalyzeSession? LongestUnread() => sessions.List()
        .Where(session => session.End is null && session.Work.Outbox.UnreadSince is { } since && time.GetElapsedTime(since) >= Patience)
        .MinBy(static session => session.Work.Outbox.UnreadSince);

    private AnalyzeSession? MostKept() => sessions.List()
        .Where(static session => session.Work.Outbox.WrittenBytes > 0)
        .MaxBy(static session => session.Work.Outbox.WrittenBytes);

    private void Count(AnalyzeSession session, string kind)
    {
        metrics.MemoryRelieved(kind);
        SessionLog.MemoryRelieved(logger, session.Id, kind, ledger.Responses.Limit);
    }
}
