namespace LoupeGrpc.Server.Sessions;

/// <summary>
/// How a session comes to its end: reading stops, frames taken in get their outcomes, and what another server is to go on with reaches the store. Which end may
/// follow which is <see cref="SessionLifecycle"/>'s. Calls that begin an end come one at a time; the others are thread-safe.
/// </summary>
internal sealed class SessionEnding(SessionWork work) : IDisposable
{
    private readonly CancellationTokenSource _stopReading = new();
    private readonly Lock _lock = new();
    private Task _stopping = Task.CompletedTask;
    private Task<bool>? _keeping;

    /// <summary>How the session was told to end from outside; null while it was not.</summary>
    public SessionEnd? End { get; private set; }

    /// <summary>The session was told to end, and every frame taken in has its outcome.</summary>
    public CancellationToken StopReading => _stopReading.Token;

    /// <summary>The client is told, frames that come are dropped, those taken in get their outcomes; then reading stops.</summary>
    /// <param name="patience">How long frames taken in may still be analysed; then they are dropped.</param>
    public void Begin(SessionEnd end, SessionNotice notice, TimeSpan patience)
    {
        End = end;
        work.Close(notice);
        _stopping = StopReadingWhenDecidedAsync(patience);
    }

    /// <summary>Reading stops at once, since the next server is to read the rest.</summary>
    /// <param name="patience">How long frames taken in may still be analysed here; in the end those in the engine only.</param>
    public void BeginHandOver(TimeSpan patience)
    {
        End = SessionEnd.HandedOver;
        _stopping = work.LeaveWithinAsync(patience);
        _ = _stopReading.CancelAsync();
    }

    /// <summary>Brings the session to the store as it is now, once. When it is to be handed over, and every frame has its outcome.</summary>
    /// <returns>Whether it is there.</returns>
    public Task<bool> KeepAsync()
    {
        lock (_lock)
        {
            return _keeping ??= work.Checkpoints?.WriteAsync(whole: true) ?? Task.FromResult(false);
        }
    }

    /// <summary>Of a session that is parked while frames of it are in the engine: brings it to the store when they have their outcomes.</summary>
    public async Task KeepParkedAsync()
    {
        if (work.Checkpoints is { } checkpoints)
        {
            await work.WhenDecided().ConfigureAwait(false);
            await checkpoints.WriteAsync(whole: true).ConfigureAwait(false);
        }
    }

    /// <summary>Done when every frame has its outcome, and the store has what it is to have.</summary>
    public async Task FinishAsync(SessionEnd end)
    {
        if (end == SessionEnd.HandedOver)
        {
            await _stopping.ConfigureAwait(false);
            await KeepAsync().ConfigureAwait(false);
        }

        // Frames are left only where nobody waits for them.
        work.Abandon();
        await work.WhenDecided().ConfigureAwait(false);
        await _stopping.ConfigureAwait(false);
        if (end != SessionEnd.HandedOver && end != SessionEnd.MadeRoom && work.Checkpoints is { } checkpoints)
        {
            await checkpoints.ForgetAsync().ConfigureAwait(false);
        }
    }

    public void Dispose() => _stopReading.Dispose();

    private async Task StopReadingWhenDecidedAsync(TimeSpan patience)
    {
        await work.DecideWithinAsync(patience).ConfigureAwait(false);
        await _stopReading.CancelAsync().ConfigureAwait(false);
    }
}
