using LoupeGrpc.Server.Logs;

namespace LoupeGrpc.Server.Security;

/// <summary>Tells of those who are not let in, a line a second at most: whoever is refused may try again thousands of times. Thread-safe.</summary>
internal sealed class RefusalLog(AuditLog audit, TimeProvider time, ILogger<RefusalLog> logger)
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private long _count;
    private long? _loggedAt;

    /// <param name="peer">Its address.</param>
    /// <param name="caller">Who it is, as far as that is known.</param>
    /// <param name="path">What it wanted; null: it did not come so far.</param>
    public void Add(string peer, Caller caller, string? path, string reason)
    {
        audit.Add(AuditEntry.Refused(caller.Owner, peer, path ?? string.Empty, reason));
        lock (_lock)
        {
            _count++;
            if (_loggedAt is not { } at || time.GetElapsedTime(at) >= Pause)
            {
                _loggedAt = time.GetTimestamp();
                SecurityLog.Refused(logger, path is null ? peer : $"{peer} ({caller.Name}, {path})", reason, _count);
            }
        }
    }
}
