using Grpc.Core;
using Microsoft.Extensions.Logging;
using Polly;
using Polly.Retry;
using Polly.Timeout;

namespace LoupeGrpc.Client.Internal;

/// <summary>When and how long calls are tried again: only where the server cannot have taken them, or where taking them twice is harmless.</summary>
internal sealed class Retries
{
    private static readonly TimeSpan MaxPause = TimeSpan.FromSeconds(2);

    /// <summary>A server that took the connection may be busy; one that says nothing for so long is none.</summary>
    private static readonly TimeSpan AttemptTimeout = TimeSpan.FromSeconds(60);

    /// <summary>A session's window may be short, and a way that leads nowhere must not eat it up.</summary>
    private static readonly TimeSpan ReconnectTimeout = TimeSpan.FromSeconds(10);

    private readonly LoupeClientOptions _options;
    private readonly ConnectionDiagnosis _diagnosis;
    private readonly ILogger _logger;
    private readonly ResiliencePipeline _unary;

    public Retries(LoupeClientOptions options, ConnectionDiagnosis diagnosis, ILogger logger)
    {
        _options = options;
        _diagnosis = diagnosis;
        _logger = logger;
        _unary = options.UnaryRetries == 0
            ? ResiliencePipeline.Empty
            : new ResiliencePipelineBuilder { TimeProvider = options.TimeProvider }
                .AddRetry(new RetryStrategyOptions
                {
                    ShouldHandle = args => ValueTask.FromResult(IsUnavailable(args.Outcome.Exception)),
                    BackoffType = DelayBackoffType.Exponential,
                    UseJitter = true,
                    Delay = TimeSpan.FromMilliseconds(200),
                    MaxDelay = MaxPause,
                    MaxRetryAttempts = options.UnaryRetries,
                    OnRetry = TellAsync,
                })
                .Build();
    }

    /// <summary>
    /// Until the server answers, also where it breaks the connection instead; no attempt begins once <see cref="LoupeClientOptions.ConnectTimeout"/> has passed
    /// since the first that failed. What that one took does not count: a busy server, whose answer is that it stops, may take longer.
    /// </summary>
    public Task<T> ConnectAsync<T>(Func<CancellationToken, Task<T>> attempt, CancellationToken cancellationToken) =>
        TranslateAsync(Connecting(), attempt, cancellationToken);

    /// <summary>A call outside sessions.</summary>
    public Task<T> CallAsync<T>(Func<CancellationToken, Task<T>> attempt, CancellationToken cancellationToken) =>
        TranslateAsync(_unary, attempt, cancellationToken);

    /// <summary>Until a connection is there; no attempt begins once the outage has lasted as long as it may.</summary>
    public async Task<T> ReconnectAsync<T>(Func<CancellationToken, Task<T>> attempt, Outage outage, CancellationToken cancellationToken)
    {
        if (outage.Attempts++ > 0)
        {
            // The connection before this one was of no use.
            await Task.Delay(Shorter(Pause(outage.Attempts), outage.Left), _options.TimeProvider, cancellationToken).ConfigureAwait(false);
        }

        return await TranslateAsync(Reconnecting(outage), attempt, cancellationToken).ConfigureAwait(false);
    }

    private async Task<T> TranslateAsync<T>(ResiliencePipeline pipeline, Func<CancellationToken, Task<T>> attempt, CancellationToken cancellationToken)
    {
        try
        {
            return await pipeline.ExecuteAsync(async token => await AttemptAsync(attempt, token).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
        }
        catch (RpcException error)
        {
            throw await _diagnosis.ExplainAsync(error, cancellationToken).ConfigureAwait(false) ?? RpcErrors.ToException(error, _options.ShownAddress);
        }
        catch (TimeoutRejectedException error)
        {
            throw new LoupeUnavailableException($"{_options.ShownAddress} takes connections but does not answer", error);
        }
    }

    /// <summary>What the HTTP client gives up by itself looks like what somebody canceled: it gets its status back.</summary>
    private static async Task<T> AttemptAsync<T>(Func<CancellationToken, Task<T>> attempt, CancellationToken token)
    {
        try
        {
            return await attempt(token).ConfigureAwait(false);
        }
        catch (OperationCanceledException canceled) when (!token.IsCancellationRequested && canceled.InnerException is not null)
        {
            throw new RpcException(new Status(StatusCode.Cancelled, string.Empty, canceled));
        }
    }

    private ResiliencePipeline Connecting()
    {
        var time = _options.TimeProvider;
        long? failing = null;
        TimeSpan Left() => _options.ConnectTimeout - time.GetElapsedTime(failing ??= time.GetTimestamp());
        return new ResiliencePipelineBuilder { TimeProvider = time }
            .AddRetry(new RetryStrategyOptions
            {
                ShouldHandle = args => ValueTask.FromResult(
                    (IsUnavailable(args.Outcome.Exception) || args.Outcome.Exception is RpcException error && (RpcErrors.IsReset(error) || RpcErrors.IsCanceledByNobody(error))) && Left() > TimeSpan.Zero),
                DelayGenerator = args => ValueTask.FromResult<TimeSpan?>(Shorter(Pause(args.AttemptNumber), Left())),
                MaxRetryAttempts = int.MaxValue,
                OnRetry = TellAsync,
            })
            .AddTimeout(AttemptTimeout)
            .Build();
    }

    private ResiliencePipeline Reconnecting(Outage outage) => new ResiliencePipelineBuilder { TimeProvider = _options.TimeProvider }
        .AddRetry(new RetryStrategyOptions
        {
            ShouldHandle = args => ValueTask.FromResult(
                args.Outcome.Exception is TimeoutRejectedException or RpcException && IsPassing(args.Outcome.Exception) && outage.Left > TimeSpan.Zero),
            DelayGenerator = args => ValueTask.FromResult<TimeSpan?>(Shorter(Pause(outage.Attempts++), outage.Left)),
            MaxRetryAttempts = int.MaxValue,
            OnRetry = TellAsync,
        })
        .AddTimeout(ReconnectTimeout)
        .Build();

    private ValueTask TellAsync(OnRetryArguments<object> attempt)
    {
        if (_logger.IsEnabled(LogLevel.Information))
        {
            ClientLog.TriesAgain(_logger, _options.ShownAddress, attempt.Outcome.Exception is RpcException error ? $"{error.StatusCode}, {error.Status.Detail}" : attempt.Outcome.Exception?.Message ?? "");
        }

        return ValueTask.CompletedTask;
    }

    private static bool IsPassing(Exception error) => error is not RpcException rpc || RpcErrors.IsTransport(rpc);

    /// <summary>0.1 s, doubled each time, with jitter so that clients of a server that restarts do not all come at once.</summary>
    private static TimeSpan Pause(int attempt) =>
        Shorter(TimeSpan.FromMilliseconds(100 * Math.Pow(2, Math.Min(attempt, 10))), MaxPause) * (0.75 + (0.5 * Random.Shared.NextDouble()));

    private static TimeSpan Shorter(TimeSpan one, TimeSpan other) => one < other ? one : other > TimeSpan.Zero ? other : TimeSpan.Zero;

    private static bool IsUnavailable(Exception? error) => error is RpcException { StatusCode: StatusCode.Unavailable };
}
