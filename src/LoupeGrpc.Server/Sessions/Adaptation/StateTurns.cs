namespace LoupeGrpc.Server.Sessions.Adaptation;

/// <summary>
/// Whoever copies or hashes a whole adaptation state on a thread of the pool does so one at a time: a crowd that asks for snapshots then takes one thread, a
/// state at a time, and what all other sessions have to do on the pool is behind one of them, not behind all that were asked for. First come, first served. Thread-safe.
/// </summary>
internal sealed class StateTurns : IDisposable
{
    private readonly SemaphoreSlim _turn = new(1, 1);

    /// <summary>Waits for the turn, which ends with what is returned.</summary>
    public async ValueTask<Turn> EnterAsync()
    {
        await _turn.WaitAsync().ConfigureAwait(false);
        return new Turn(this);
    }

    public void Dispose() => _turn.Dispose();

    /// <summary>To be disposed once.</summary>
    internal readonly struct Turn(StateTurns turns) : IDisposable
    {
        public void Dispose() => turns._turn.Release();
    }
}
