namespace LoupeGrpc.Server.Sessions.Keeping;

/// <summary>Lets the records of this server's sessions stay in the store, also of those that have nothing to write for a while.</summary>
internal sealed class RecordRenewal(SessionRegistry sessions, SessionKeeping keeping, TimeProvider time) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!keeping.IsOn)
        {
            return;
        }

        using var timer = new PeriodicTimer(keeping.Life / 3, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
            {
                foreach (var session in sessions.List().Where(static session => session.End is null))
                {
                    if (keeping.IsUp && session.Checkpoints is { } checkpoints)
                    {
                        await checkpoints.TouchAsync().ConfigureAwait(false);
                    }
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
    }
}
