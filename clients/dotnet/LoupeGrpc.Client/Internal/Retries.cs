using Grpc.Core;
using Polly;
using Polly.Retry;
using Polly.Timeout;

namespace LoupeGrpc.Client.Internal;

/// <summary>When and how long calls are tried again: only where the server cannot have taken them, or where taking them twice is harmless.</summary>
internal sealed class Retries
{
    private readonly string _address;
    private readonly ResiliencePipeline _connecting;
    private readonly ResiliencePipeline _unary;

    public Retries(LoupeClientOptions options)
    {
        _address = options.ShownAddress;
        _connecting = Connecting(options);
        _unary = options.UnaryRetries == 0
            ? ResiliencePipeline.Empty
            : new ResiliencePipelineBuilder { TimeProvider = options.TimeProvider }
                .AddRetry(WhileUnavailable(options.UnaryRetries, TimeSpan.FromMilliseconds(200)))
                .Build();
    }

    /// <summary>Until the server answers or <see cref="LoupeClientOptions.ConnectTimeout"/> has passed.</summary>
    public async Task<T> ConnectAsync<T>(Func<CancellationToken, Task<T>> attempt, CancellationToken cancellationToken)
    {
        RpcException? last = null;
        try
        {
            return await _connecting.ExecuteAsync(
                async token =>
                {
                    try
                    {
                        return await attempt(token).ConfigureAwait(false);
                    }
                    catch (RpcException error)
                    {
                        last = error;
                        throw;
                    }
                },
                cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutRejectedException)
        {
            throw RpcErrors.Unreachable(_address, last);
        }
        catch (RpcException error)
        {
            throw RpcErrors.ToException(error, _address);
        }
    }

    /// <summary>A call outside sessions.</summary>
    public async Task<T> CallAsync<T>(Func<CancellationToken, Task<T>> attempt, CancellationToken cancellationToken)
    {
        try
        {
            return await _unary.ExecuteAsync(async token => await attempt(token).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
        }
        catch (RpcException error)
        {
            throw RpcErrors.ToException(error, _address);
        }
    }

    private static ResiliencePipeline Connecting(LoupeClientOptions options)
    {
        if (options.ConnectTimeout == TimeSpan.Zero)
        {
            return ResiliencePipeline.Empty;
        }

        return new ResiliencePipelineBuilder { TimeProvider = options.TimeProvider }
            .AddTimeout(options.ConnectTimeout)
            .AddRetry(WhileUnavailable(int.MaxValue, TimeSpan.FromMilliseconds(100)))
            .Build();
    }

    private static RetryStrategyOptions WhileUnavailable(int attempts, TimeSpan firstPause) => new()
    {
        ShouldHandle = new PredicateBuilder().Handle<RpcException>(error => error.StatusCode == StatusCode.Unavailable),
        BackoffType = DelayBackoffType.Exponential,
        UseJitter = true,
        Delay = firstPause,
        MaxDelay = TimeSpan.FromSeconds(2),
        MaxRetryAttempts = attempts,
    };
}
