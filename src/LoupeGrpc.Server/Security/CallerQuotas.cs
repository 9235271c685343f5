using System.Threading.RateLimiting;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Sessions;

namespace LoupeGrpc.Server.Security;

/// <summary>What each caller may take. An owner who has sent nothing for a while takes no memory. Thread-safe.</summary>
internal sealed class CallerQuotas(LiveOptions live) : IDisposable
{
    /// <summary>The most that may have been saved up: frames of a second.</summary>
    private static readonly TimeSpan Burst = TimeSpan.FromSeconds(1);

    /// <summary>Tokens are counted by time, so this is how evenly they come, not how many.</summary>
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(50);

    private readonly PartitionedRateLimiter<(string Owner, double Rate)> _frames = PartitionedRateLimiter.Create<(string Owner, double Rate), (string Owner, double Rate)>(
        static caller => RateLimitPartition.GetTokenBucketLimiter(caller, static caller => LimitsOf(caller.Rate)));

    /// <summary>As it is now: what changes later is for sessions that are opened later.</summary>
    public OwnerQuota Of(Caller caller)
    {
        var isStranger = caller.Owner.Length == 0;
        var quotas = live.Current.Quotas;
        var (sessions, setting) = caller.Sessions is { } own ? (own, "--sessions of its key")
            : isStranger ? (quotas.StrangerSessions, "Loupe:Quotas:StrangerSessions")
            : (quotas.Sessions, "Loupe:Quotas:Sessions");
        var rate = caller.FramesPerSecond ?? (isStranger ? quotas.StrangerFramesPerSecond : quotas.FramesPerSecond);
        return new OwnerQuota(sessions, setting, rate > 0 ? new Pace(_frames, (caller.Owner, rate)) : null);
    }

    public void Dispose() => _frames.Dispose();

    private static TokenBucketRateLimiterOptions LimitsOf(double rate)
    {
        var frames = (int)Math.Max(1, Math.Ceiling(rate * Step.TotalSeconds));
        return new TokenBucketRateLimiterOptions
        {
            TokensPerPeriod = frames,
            ReplenishmentPeriod = TimeSpan.FromSeconds(frames / rate),
            TokenLimit = (int)Math.Max(frames, Math.Ceiling(rate * Burst.TotalSeconds)),
            QueueLimit = int.MaxValue,
            QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
        };
    }

    private sealed class Pace(PartitionedRateLimiter<(string Owner, double Rate)> frames, (string Owner, double Rate) owner) : IFramePace
    {
        public async ValueTask<bool> WaitAsync(CancellationToken cancellationToken)
        {
            try
            {
                using var lease = await frames.AcquireAsync(owner, 1, cancellationToken).ConfigureAwait(false);
                return lease.IsAcquired;
            }
            catch (OperationCanceledException)
            {
                return false;
            }
        }

        public bool TryTake()
        {
            using var lease = frames.AttemptAcquire(owner);
            return lease.IsAcquired;
        }
    }
}
