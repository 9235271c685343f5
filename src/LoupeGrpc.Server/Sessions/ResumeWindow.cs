namespace LoupeGrpc.Server.Sessions;

/// <summary>The time in which a parked session can be resumed. Under the lock of its session.</summary>
internal sealed class ResumeWindow(TimeProvider time, TimeSpan length, Action<int> over) : IDisposable
{
    private ITimer? _timer;
    private int _number;

    /// <summary>Since when it runs; null while it does not.</summary>
    public DateTimeOffset? Since { get; private set; }

    public TimeSpan Length => length;

    /// <summary>Begins. When it is over its number is told, from another thread; a timer that fires late tells an old one.</summary>
    public void Open()
    {
        var number = ++_number;
        Since = time.GetUtcNow();
        _timer = time.CreateTimer(_ => over(number), null, length, Timeout.InfiniteTimeSpan);
    }

    public void Close()
    {
        _number++;
        Since = null;
        Dispose();
    }

    /// <summary>Whether this one runs now.</summary>
    public bool IsOpen(int number) => Since is not null && number == _number;

    public void Dispose() => _timer?.Dispose();
}
