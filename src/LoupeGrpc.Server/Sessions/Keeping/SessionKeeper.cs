namespace LoupeGrpc.Server.Sessions.Keeping;

/// <summary>
/// Brings the records of one session to the store, beside its frames: the newest wins, and what the store does not take is lost without anybody waiting for it.
/// Thread-safe.
/// </summary>
/// <param name="fence">Number of the claim that the session is served by.</param>
/// <param name="fencedOut">Called once, when another server has claimed the session.</param>
internal sealed class SessionKeeper(ISessionStore store, string key, long fence, TimeSpan life, SessionMetrics metrics, Action<string> problem, Action fencedOut)
{
    /// <summary>Of the first server of a session.</summary>
    public const long FirstFence = 1;

    private readonly Lock _lock = new();
    private Func<byte[]>? _next;
    private Task<bool> _writing = Task.FromResult(false);
    private bool _busy;
    private bool _closed;
    private bool _fencedOut;

    /// <summary>Whether the store would take something now, as far as is known.</summary>
    public bool IsUp => store.IsUp && !_closed;

    /// <param name="record">Made when its turn comes, on another thread. One that was offered before and is not written yet is passed over.</param>
    /// <returns>When all that was offered is written, or given up: whether the last of it was written.</returns>
    public Task<bool> Offer(Func<byte[]> record)
    {
        lock (_lock)
        {
            _next = record;
            if (!_busy)
            {
                _busy = true;
                _writing = Task.Run(WriteAllAsync);
            }

            return _writing;
        }
    }

    /// <summary>Lets the record stay.</summary>
    /// <returns>False: there is none.</returns>
    public async Task<bool> TouchAsync() => await TryAsync(() => store.TouchAsync(key, fence, life)).ConfigureAwait(false) != StoreHold.Missing;

    /// <summary>Whether another server has claimed the session. Where the store does not say, nobody has.</summary>
    public async Task<bool> IsFencedOutAsync() =>
        Volatile.Read(ref _fencedOut) || await TryAsync(() => store.TouchAsync(key, fence, life)).ConfigureAwait(false) == StoreHold.FencedOut;

    /// <summary>The session is over: nothing of it is to be left.</summary>
    public async Task ForgetAsync()
    {
        Task<bool> writing;
        lock (_lock)
        {
            (_closed, _next, writing) = (true, null, _writing);
        }

        await writing.ConfigureAwait(false);
        try
        {
            await store.RemoveAsync(key, fence).ConfigureAwait(false);
        }
        catch (SessionStoreException)
        {
            // It goes by itself when its time is over.
        }
    }

    private async Task<bool> WriteAllAsync()
    {
        var written = false;
        while (true)
        {
            Func<byte[]> record;
            lock (_lock)
            {
                if (_next is null || _closed)
                {
                    _busy = false;
                    return written;
                }

                (record, _next) = (_next, null);
            }

            var hold = await TryAsync(() => store.WriteAsync(key, fence, record(), life)).ConfigureAwait(false);
            written = hold == StoreHold.Held;
            metrics.RecordWritten(hold);
        }
    }

    /// <returns>Null: the store did not do it.</returns>
    private async Task<StoreHold?> TryAsync(Func<Task<StoreHold>> ask)
    {
        if (_closed)
        {
            return null;
        }

        try
        {
            var hold = await ask().ConfigureAwait(false);
            if (hold == StoreHold.FencedOut && Close())
            {
                Volatile.Write(ref _fencedOut, true);
                fencedOut();
            }

            return hold;
        }
        catch (SessionStoreException exception)
        {
            // That it is away says the store itself, once for all sessions.
            if (!exception.IsAway)
            {
                problem(exception.Message);
            }

            return null;
        }
#pragma warning disable CA1031 // A record that cannot be made must not end the session, which goes on in memory.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            problem(exception.ToString());
            return null;
        }
    }

    /// <returns>Whether it was open.</returns>
    private bool Close()
    {
        lock (_lock)
        {
            var wasOpen = !_closed;
            _closed = true;
            return wasOpen;
        }
    }
}
