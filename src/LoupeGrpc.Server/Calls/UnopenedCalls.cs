using System.Collections.Concurrent;

namespace LoupeGrpc.Server.Calls;

/// <summary>Calls that have opened no session yet: no limit of sessions counts them. Thread-safe.</summary>
/// <param name="limit">In all. A connection has half of them at most, so that one cannot lock the others out.</param>
internal sealed class UnopenedCalls(int limit)
{
    private readonly ConcurrentDictionary<string, int> _byConnection = new(StringComparer.Ordinal);
    private int _all;

    /// <returns>False: there are too many. True: call <see cref="Leave"/>.</returns>
    public bool TryEnter(string connection)
    {
        var all = Interlocked.Increment(ref _all);
        var own = _byConnection.AddOrUpdate(connection, 1, static (_, count) => count + 1);
        if (all <= limit && own <= limit / 2)
        {
            return true;
        }

        Leave(connection);
        return false;
    }

    /// <summary>The call has a session, or is over.</summary>
    public void Leave(string connection)
    {
        Interlocked.Decrement(ref _all);
        while (_byConnection.TryGetValue(connection, out var count))
        {
            if (count <= 1
                ? _byConnection.TryRemove(new KeyValuePair<string, int>(connection, count))
                : _byConnection.TryUpdate(connection, count - 1, count))
            {
                return;
            }
        }
    }
}
