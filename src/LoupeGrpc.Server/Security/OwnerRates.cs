using System.Threading.RateLimiting;

namespace LoupeGrpc.Server.Security;

/// <summary>Buckets of tokens that fill at a rate, one for each owner and rate; those that are full and unused take no memory. Thread-safe.</summary>
internal sealed class OwnerRates : IDisposable
{
    /// <summary>The most that may have been saved up: tokens of a second.</summary>
    private static readonly TimeSpan Burst = TimeSpan.FromSeconds(1);

    /// <summary>Tokens are counted by time, so this is how evenly they come, not how many.</summary>
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(50);

    /// <summary>Between them every rate above 0 has its bucket, however it was written into a file of keys.</summary>
    private static readonly TimeSpan ShortestStep = TimeSpan.FromMilliseconds(1);

    /// <inheritdoc cref="ShortestStep"/>
    private static readonly TimeSpan LongestStep = TimeSpan.FromDays(3650);

    private readonly PartitionedRateLimiter<OwnerRateKey> _buckets = PartitionedRateLimiter.Create<OwnerRateKey, OwnerRateKey>(
        static key => RateLimitPartition.GetTokenBucketLimiter(key, LimitsOf));

    /// <param name="rate">Tokens a second, above 0.</param>
    /// <param name="least">Tokens that can be saved up at least: the most that is taken at once.</param>
    public OwnerRate Of(string owner, double rate, int least) => new(_buckets, new OwnerRateKey(owner, rate, least));

    public void Dispose() => _buckets.Dispose();

    private static TokenBucketRateLimiterOptions LimitsOf(OwnerRateKey key)
    {
        var tokens = (int)Math.Clamp(Math.Ceiling(key.Rate * Step.TotalSeconds), 1, int.MaxValue);
        return new TokenBucketRateLimiterOptions
        {
            TokensPerPeriod = tokens,
            ReplenishmentPeriod = TimeSpan.FromSeconds(Math.Clamp(tokens / key.Rate, ShortestStep.TotalSeconds, LongestStep.TotalSeconds)),
            TokenLimit = (int)Math.Clamp(Math.Ceiling(key.Rate * Burst.TotalSeconds), Math.Max(tokens, key.Least), int.MaxValue),
            QueueLimit = int.MaxValue,
            QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
        };
    }
}

/// <summary>A bucket.</summary>
internal readonly record struct OwnerRateKey(string Owner, double Rate, int Least);

/// <summary>One owner's bucket. Thread-safe.</summary>
internal sealed class OwnerRate(PartitionedRateLimiter<OwnerRateKey> buckets, OwnerRateKey key)
{
    /// <returns>False: canceled before.</returns>
    public async ValueTask<bool> WaitAsync(int tokens, CancellationToken cancellationToken)
    {
        try
        {
            using var lease = await buckets.AcquireAsync(key, tokens, cancellationToken).ConfigureAwait(false);
            return lease.IsAcquired;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    public bool TryTake(int tokens)
    {
        using var lease = buckets.AttemptAcquire(key, tokens);
        return lease.IsAcquired;
    }
}
