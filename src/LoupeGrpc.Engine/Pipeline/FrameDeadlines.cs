namespace LoupeGrpc.Engine.Pipeline;

/// <summary>Tells frames that their deadline has passed, wherever they are: one timer, set to the earliest of them. Thread-safe.</summary>
internal sealed class FrameDeadlines : IDisposable
{
    // Timers take 49 days at most. Later deadlines are looked at again.
    private static readonly TimeSpan LongestWait = TimeSpan.FromDays(1);

    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private readonly Lock _lock = new();
    private readonly SortedSet<FrameJob> _frames = new(Comparer<FrameJob>.Create(
        static (one, other) => (one.DueAt, one.DeadlineNumber).CompareTo((other.DueAt, other.DeadlineNumber))));

    private long _setFor = long.MaxValue;
    private long _lastNumber;

    public FrameDeadlines(TimeProvider time)
    {
        _time = time;
        _timer = time.CreateTimer(static state => ((FrameDeadlines)state!).Look(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary><see cref="TimeProvider.GetTimestamp"/> of a deadline.</summary>
    /// <returns><see cref="long.MaxValue"/> where there is none, or none that will be seen.</returns>
    public static long DueAt(TimeProvider time, long receivedAt, TimeSpan? maxAge)
    {
        if (maxAge is not { } age)
        {
            return long.MaxValue;
        }

        // Rounded up: when it is reached the age is, too.
        var length = (((Int128)age.Ticks * time.TimestampFrequency) + TimeSpan.TicksPerSecond - 1) / TimeSpan.TicksPerSecond;
        return (long)Int128.Clamp(receivedAt + length, long.MinValue, long.MaxValue);
    }

    /// <summary>A frame without a deadline is not looked at.</summary>
    public void Add(FrameJob job)
    {
        if (job.DueAt == long.MaxValue)
        {
            return;
        }

        // Never under the lock: a clock of a test may call the timer back when it is read.
        long now = _time.GetTimestamp();
        lock (_lock)
        {
            job.DeadlineNumber = ++_lastNumber;
            _frames.Add(job);
            SetTimer(now);
        }
    }

    /// <summary>The frame has left.</summary>
    public void Remove(FrameJob job)
    {
        if (job.DueAt != long.MaxValue)
        {
            lock (_lock)
            {
                _frames.Remove(job);
            }
        }
    }

    public void Dispose() => _timer.Dispose();

    private void Look()
    {
        long now = _time.GetTimestamp();
        var passed = new List<FrameJob>();
        lock (_lock)
        {
            _setFor = long.MaxValue;
            while (_frames.Min is { } first && first.DueAt <= now)
            {
                _frames.Remove(first);
                passed.Add(first);
            }

            SetTimer(now);
        }

        passed.ForEach(static job => job.Expire());
    }

    private void SetTimer(long now)
    {
        if (_frames.Min is { } first && first.DueAt < _setFor)
        {
            _setFor = first.DueAt;
            var wait = _time.GetElapsedTime(now, first.DueAt);

            // Timers count whole milliseconds: a look too early would find nothing.
            _timer.Change(
                wait <= TimeSpan.Zero ? TimeSpan.Zero : wait >= LongestWait ? LongestWait : TimeSpan.FromMilliseconds(Math.Ceiling(wait.TotalMilliseconds)),
                Timeout.InfiniteTimeSpan);
        }
    }
}
