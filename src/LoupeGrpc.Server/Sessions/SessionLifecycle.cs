namespace LoupeGrpc.Server.Sessions;

/// <summary>Where a session is between its opening and its end.</summary>
internal enum SessionState
{
    /// <summary>No call serves it yet.</summary>
    Opened,

    /// <summary>A call serves it.</summary>
    Serving,

    /// <summary>Its connection broke: it finishes the frames it has and waits to be resumed.</summary>
    Parked,

    /// <summary>It was told to end while a call serves it: frames that come are dropped, those taken in get their outcomes.</summary>
    Ending,

    /// <summary>Nothing begins any more; what is left of it is freed.</summary>
    Ended,
}

/// <summary>The states of one session and the changes that are allowed between them. Under the lock of its session.</summary>
internal sealed class SessionLifecycle
{
    private static readonly Dictionary<SessionState, SessionState[]> Allowed = new()
    {
        // Parked: another server left it, and it waits for the call that asked for it.
        [SessionState.Opened] = [SessionState.Serving, SessionState.Parked, SessionState.Ending, SessionState.Ended],
        // To itself when another call takes it over.
        [SessionState.Serving] = [SessionState.Serving, SessionState.Parked, SessionState.Ending, SessionState.Ended],
        [SessionState.Parked] = [SessionState.Serving, SessionState.Ended],
        // To itself when another call takes over who hears the end.
        [SessionState.Ending] = [SessionState.Ending, SessionState.Ended],
        [SessionState.Ended] = [],
    };

    public SessionState State { get; private set; } = SessionState.Opened;

    /// <returns>False, and nothing changes, where the change is not allowed.</returns>
    public bool TryMove(SessionState to)
    {
        if (!Allowed[State].Contains(to))
        {
            return false;
        }

        State = to;
        return true;
    }

    /// <exception cref="InvalidOperationException">The change is not allowed: a fault of ours.</exception>
    public void Move(SessionState to)
    {
        var from = State;
        if (!TryMove(to))
        {
            throw new InvalidOperationException($"A session goes from {from} to {to}, which it may not.");
        }
    }

    /// <summary>Every change of the table: for tests and documents.</summary>
    public static IEnumerable<(SessionState From, SessionState To)> Changes =>
        Allowed.SelectMany(static row => row.Value.Select(to => (row.Key, to)));
}
