namespace LoupeGrpc.FunctionalTests.Infrastructure;

/// <summary>
/// A clock on which pauses take no time: it goes on by each at once. What limits an attempt is longer than a pause, and takes as long as ever. So a client
/// makes all its attempts before a server's own clock counts for anything.
/// </summary>
internal sealed class HastyTime : TimeProvider
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    private long _skipped;

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Skipped;

    public override long GetTimestamp() => base.GetTimestamp() + (long)(Skipped.TotalSeconds * TimestampFrequency);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var isPause = dueTime >= TimeSpan.Zero && dueTime <= LongestPause;
        if (isPause)
        {
            Interlocked.Add(ref _skipped, dueTime.Ticks);
        }

        return base.CreateTimer(callback, state, isPause ? TimeSpan.Zero : dueTime, period);
    }

    private TimeSpan Skipped => TimeSpan.FromTicks(Interlocked.Read(ref _skipped));
}
