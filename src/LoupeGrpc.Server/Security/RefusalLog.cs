namespace LoupeGrpc.Server.Security;

/// <summary>Tells of those who are not let in, a line a second at most: whoever is refused may try again thousands of times. Thread-safe.</summary>
internal sealed class RefusalLog(TimeProvider time, ILogger<RefusalLog> logger)
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private long _count;
    private long? _loggedAt;

    public void Add(string peer, string reason)
    {
        lock (_lock)
        {
            _count++;
            if (_loggedAt is not { } at || time.GetElapsedTime(at) >= Pause)
            {
                _loggedAt = time.GetTimestamp();
                SecurityLog.Refused(logger, peer, reason, _count);
            }
        }
    }
}
