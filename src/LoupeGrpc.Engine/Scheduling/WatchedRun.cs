namespace LoupeGrpc.Engine.Scheduling;

/// <summary>One run: measured, and given up after its limit. Disposed when it ends.</summary>
internal sealed class WatchedRun : IDisposable
{
    private readonly TimeProvider _time;
    private readonly RunTimes _times;
    private readonly int _rows;
    private readonly Action<int> _overdue;
    private readonly Action _hangs;
    private readonly long _start;
    private readonly ITimer? _timer;
    private readonly Lock _lock = new();
    private bool _ended;
    private bool _looked;

    /// <param name="times">Gets what it took.</param>
    /// <param name="limit">Null: none.</param>
    /// <param name="overdue">Gets 1 when half of the limit is over, and -1 when such a run ends after all.</param>
    /// <param name="hangs">Called after the limit.</param>
    public WatchedRun(TimeProvider time, RunTimes times, int rows, TimeSpan? limit, Action<int> overdue, Action hangs)
    {
        _time = time;
        _times = times;
        _rows = rows;
        _overdue = overdue;
        _hangs = hangs;
        _start = time.GetTimestamp();
        if (limit is { } whole)
        {
            // Two looks, so that a machine that slept for longer than the limit finds the run at work once more before it gives it up.
            _timer = time.CreateTimer(_ => Look(whole / 2), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            _timer.Change(whole / 2, Timeout.InfiniteTimeSpan);
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _ended = true;
            if (_looked)
            {
                _overdue(-1);
            }
        }

        _timer?.Dispose();
        _times.Record(_rows, _time.GetElapsedTime(_start));
    }

    private void Look(TimeSpan half)
    {
        lock (_lock)
        {
            if (_ended)
            {
                return;
            }

            if (!_looked)
            {
                _looked = true;
                _overdue(1);
                _timer!.Change(half, Timeout.InfiniteTimeSpan);
                return;
            }
        }

        _hangs();
    }
}
