using System.Threading.RateLimiting;

namespace LoupeGrpc.Server.Sessions;

/// <summary>Bounds bytes held at a time, in KiB. First come, first served; more than the whole budget counts as the whole. Thread-safe.</summary>
internal sealed class ByteBudget : IDisposable
{
    private readonly ConcurrencyLimiter _limiter;
    private readonly int _kibibytes;

    public ByteBudget(long bytes)
    {
        _kibibytes = (int)Math.Clamp(bytes >> 10, 1, int.MaxValue);
        _limiter = new ConcurrencyLimiter(new ConcurrencyLimiterOptions
        {
            PermitLimit = _kibibytes,
            QueueLimit = int.MaxValue,
            QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
        });
    }

    /// <summary>Bytes held now, rounded up to KiB for each holder.</summary>
    public long Held => ((long)_kibibytes - _limiter.GetStatistics()!.CurrentAvailablePermits) << 10;

    /// <summary>Waits for room. Disposing the lease gives the bytes back.</summary>
    /// <exception cref="OperationCanceledException"/>
    public ValueTask<RateLimitLease> AcquireAsync(long bytes, CancellationToken cancellationToken) =>
        _limiter.AcquireAsync(Permits(bytes), cancellationToken);

    /// <summary>Null where there is no room now.</summary>
    public RateLimitLease? TryAcquire(long bytes)
    {
        var lease = _limiter.AttemptAcquire(Permits(bytes));
        if (lease.IsAcquired)
        {
            return lease;
        }

        lease.Dispose();
        return null;
    }

    public void Dispose() => _limiter.Dispose();

    private int Permits(long bytes) => (int)Math.Clamp((bytes + 1023) >> 10, 1, _kibibytes);
}
