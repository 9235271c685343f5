namespace LoupeGrpc.Engine.Scheduling;

/// <summary>One run: measured, and given up after its limit. Disposed when it ends.</summary>
internal sealed class WatchedRun : IDisposable
{
    private readonly TimeProvider _time;
    private readonly RunTimes _times;
    private readonly int _rows;
    private readonly Action _hangs;
    private readonly long _start;
    private readonly ITimer? _timer;
    private volatile bool _ended;
    private bool _looked;

    /// <param name="times">Gets what it took.</param>
    /// <param name="limit">Null: none.</param>
    public WatchedRun(TimeProvider time, RunTimes times, int rows, TimeSpan? limit, Action hangs)
    {
        _time = time;
        _times = times;
        _rows = rows;
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
        _ended = true;
        _timer?.Dispose();
        _times.Record(_rows, _time.GetElapsedTime(_start));
    }

    private void Look(TimeSpan half)
    {
        if (_ended)
        {
            return;
        }

        if (_looked)
        {
            _hangs();
            return;
        }

        _looked = true;
        _timer!.Change(half, Timeout.InfiniteTimeSpan);
    }
}
