namespace LoupeGrpc.Server.Calls;

/// <summary>Calls that have opened no session yet: no limit of sessions counts them. Thread-safe.</summary>
/// <param name="limit">In all. A connection has half of them at most, so that one cannot lock the others out.</param>
internal sealed class UnopenedCalls(int limit)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, int> _byConnection = new(StringComparer.Ordinal);
    private int _all;

    /// <returns>False: there are too many. True: call <see cref="Leave"/>.</returns>
    public bool TryEnter(string connection)
    {
        lock (_lock)
        {
            var own = _byConnection.GetValueOrDefault(connection);
            if (_all >= limit || own >= limit / 2)
            {
                return false;
            }

            _all++;
            _byConnection[connection] = own + 1;
            return true;
        }
    }

    /// <summary>The call has a session, or is over.</summary>
    public void Leave(string connection)
    {
        lock (_lock)
        {
            _all--;
            var own = _byConnection[connection] - 1;
            if (own == 0)
            {
                _byConnection.Remove(connection);
            }
            else
            {
                _byConnection[connection] = own;
            }
        }
    }
}
