using LoupeGrpc.Server.Logs;

namespace LoupeGrpc.Server.Security;

/// <summary>Tells of those who are not let in, a line a second at most: whoever is refused may try again thousands of times. Thread-safe.</summary>
internal sealed class RefusalLog(AuditLog audit, TimeProvider time, ILogger<RefusalLog> logger)
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>Anybody can send what looks like a token.</summary>
    private static readonly TimeSpan ProviderPause = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private long _count;
    private long? _loggedAt;
    private long? _providerLoggedAt;

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

    /// <summary>Tells, once a minute at most, that the provider of tokens does not answer.</summary>
    public void AddProviderAway(string authority, string reason)
    {
        lock (_lock)
        {
            if (_providerLoggedAt is not { } at || time.GetElapsedTime(at) >= ProviderPause)
            {
                _providerLoggedAt = time.GetTimestamp();
                SecurityLog.ProviderAway(logger, authority, reason);
            }
        }
    }
}
