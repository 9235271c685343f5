namespace LoupeGrpc.Engine.Scheduling;

/// <summary>
/// Lets as many steps compute at a time as there are cores, and chooses which is next when one is free: what is urgent first, then what is farthest on its way. Without
/// it all stages would compute at once and the system would divide the cores among them, so that every frame, the urgent ones too, would take several times as long as
/// its work. Thread-safe.
/// </summary>
/// <param name="count">At least 1.</param>
internal sealed class Cores(int count)
{
    private readonly Lock _lock = new();
    private readonly List<CoreSeat> _waiting = [];
    private int _free = count;
    private bool _isOpen;

    /// <summary>For steps that compute elsewhere, and wait for nobody here.</summary>
    public static Cores Unlimited() => new(int.MaxValue);

    /// <summary>Threads without work, or without a core for it.</summary>
    public int Waiting
    {
        get
        {
            lock (_lock)
            {
                return _waiting.Count;
            }
        }
    }

    /// <summary>Waits until there is work for the seat and a core to do it on. Whoever gets it calls <see cref="Return"/> behind the work.</summary>
    /// <returns>False: no work comes any more, and there is nothing to return.</returns>
    public bool Take(CoreSeat seat)
    {
        lock (_lock)
        {
            seat.Begin();
            _waiting.Add(seat);
            Assign();
        }

        return seat.Wait();
    }

    public void Return()
    {
        lock (_lock)
        {
            _free++;
            Assign();
        }
    }

    /// <summary>Work came, or will come no more.</summary>
    public void Look()
    {
        lock (_lock)
        {
            Assign();
        }
    }

    /// <summary>From now on nobody waits for a core: one of those that work may hang.</summary>
    public void Open()
    {
        lock (_lock)
        {
            _isOpen = true;
            Assign();
        }
    }

    private void Assign()
    {
        for (int i = _waiting.Count - 1; i >= 0; i--)
        {
            if (_waiting[i].IsOver)
            {
                _waiting[i].End(hasWork: false);
                _waiting.RemoveAt(i);
            }
        }

        while ((_free > 0 || _isOpen) && Next() is { } seat)
        {
            // Somebody else may have taken the work meanwhile: then there is the next.
            if (seat.TryTakeWork())
            {
                _waiting.Remove(seat);
                _free--;
                seat.End(hasWork: true);
            }
        }
    }

    private CoreSeat? Next()
    {
        CoreSeat? best = null;
        foreach (var seat in _waiting)
        {
            if (seat.Urgency is { } urgency && (best is null || (urgency, seat.Progress).CompareTo((best.Urgency ?? int.MinValue, best.Progress)) > 0))
            {
                best = seat;
            }
        }

        return best;
    }
}
