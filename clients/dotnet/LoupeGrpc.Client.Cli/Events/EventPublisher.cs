using System.Globalization;
using System.Text;
using LoupeGrpc.Client.Cli.Files;
using Polly;
using Polly.Retry;

namespace LoupeGrpc.Client.Cli.Events;

/// <summary>Sends what waits in an outbox, one after the other, each until the receiver has it. Nobody waits for it but the end of the run, and that not for long.</summary>
internal sealed class EventPublisher : IAsyncDisposable
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    private readonly Outbox _outbox;
    private readonly IEventReceiver _receiver;
    private readonly EventAddress _address;
    private readonly Action<string> _notify;
    private readonly ResiliencePipeline<Delivery> _retrying;
    private readonly CancellationTokenSource _stop = new();
    private readonly TimeProvider _time;
    private readonly Task _sending;
    private CancellationTokenSource _pauses = new();
    private bool _isEnding;
    private string? _trouble;

    /// <param name="outbox">What waits.</param>
    /// <param name="receiver">Owned from now on.</param>
    /// <param name="address">For people.</param>
    /// <param name="notify">Tells people what happens.</param>
    /// <param name="time">The clock of pauses.</param>
    public EventPublisher(Outbox outbox, IEventReceiver receiver, EventAddress address, Action<string> notify, TimeProvider time)
    {
        (_outbox, _receiver, _address, _notify, _time) = (outbox, receiver, address, notify, time);
        _retrying = new ResiliencePipelineBuilder<Delivery> { TimeProvider = time }
            .AddRetry(new RetryStrategyOptions<Delivery>
            {
                ShouldHandle = new PredicateBuilder<Delivery>().HandleResult(static attempt => attempt.Kind == DeliveryKind.Later),
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
                Delay = FirstPause,
                MaxDelay = LongestPause,
                MaxRetryAttempts = int.MaxValue,
                DelayGenerator = static attempt => ValueTask.FromResult<TimeSpan?>(
                    attempt.Outcome.Result?.Pause is { } pause ? TimeSpan.FromSeconds(Math.Clamp(pause.TotalSeconds, 0, 3600)) : null),
                OnRetry = attempt =>
                {
                    Complain(attempt.Outcome.Result!.Reason);
                    return ValueTask.CompletedTask;
                },
            })
            .Build();
        receiver.Broken = outbox.Wake;
        _sending = RunAsync();
    }

    /// <summary>Events that the receiver has taken in this run.</summary>
    public long Delivered { get; private set; }

    /// <summary>Events that the receiver did not want.</summary>
    public long Refused { get; private set; }

    /// <summary>Why nothing more is sent in this run; null: it is.</summary>
    public string? Closed { get; private set; }

    /// <summary>Waits until nothing waits any more, at most so long; pauses end now.</summary>
    public async Task CompleteAsync(TimeSpan wait)
    {
        _isEnding = true;
        await _pauses.CancelAsync();
        _outbox.Wake();
        try
        {
            await _sending.WaitAsync(wait, _time);
        }
        catch (TimeoutException)
        {
            await _stop.CancelAsync();
            await _pauses.CancelAsync();
            await _sending;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _pauses.CancelAsync();
        await _sending;
        await _receiver.DisposeAsync();
        _stop.Dispose();
        _pauses.Dispose();
    }

    private async Task RunAsync()
    {
        await Task.Yield();
        while (!_stop.IsCancellationRequested && Closed is null)
        {
            try
            {
                if (_outbox.Peek() is { } next)
                {
                    Settle(next.Event, next.Json, await _retrying.ExecuteAsync(
                        async _ => await _receiver.SendAsync(next.Event.Id, next.Json, _stop.Token), _pauses.Token));
                }
                else if (_isEnding)
                {
                    return;
                }
                else if (_receiver.IsBroken)
                {
                    // Whoever looks at the receiver's side must not believe that nobody watches.
                    var back = await _retrying.ExecuteAsync(async _ => _outbox.Count > 0 ? Delivery.Delivered : await _receiver.ConnectAsync(_stop.Token), _pauses.Token);
                    Close(back);
                    if (!_receiver.IsBroken)
                    {
                        TellRecovery();
                    }
                }
                else
                {
                    await _outbox.WaitAsync(_pauses.Token);
                }
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (OperationCanceledException) when (_pauses.IsCancellationRequested)
            {
                // The pause was ended, not the sending.
                _pauses.Dispose();
                _pauses = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
            }
            catch (IOException error)
            {
                Closed = FileErrors.Reason(error);
                _notify($"error: events: {Closed}; no more are sent in this run");
            }
        }
    }

    private void Settle(OutboxEvent sent, ReadOnlyMemory<byte> json, Delivery delivery)
    {
        switch (delivery.Kind)
        {
            case DeliveryKind.Delivered:
                Delivered++;
                _outbox.Remove(sent);
                TellRecovery();
                break;
            case DeliveryKind.EventRefused:
                Refused++;
                var kept = TrySetAside(json);
                _outbox.Remove(sent);
                _notify($"error: events: {_address} does not want event {sent.Id}: {delivery.Reason}; {kept}");
                break;
            default:
                Close(delivery);
                break;
        }
    }

    /// <summary>Beside the outbox, for people: who refuses one today refuses it tomorrow.</summary>
    private string TrySetAside(ReadOnlyMemory<byte> json)
    {
        var file = $"{_outbox.Path}.refused";
        try
        {
            if (new FileInfo(file) is { Exists: true, Length: > Outbox.MaxEventBytes })
            {
                return $"{file} is full, it is thrown away";
            }

            File.AppendAllText(file, Encoding.UTF8.GetString(json.Span) + "\n");
            return $"it is put aside in {file}";
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return $"it is thrown away, {file} cannot be written: {FileErrors.Reason(error)}";
        }
    }

    private void Close(Delivery delivery)
    {
        if (delivery.Kind == DeliveryKind.SenderRefused)
        {
            Closed = delivery.Reason;
            _notify($"error: events: {_address}: {Closed}; no more are sent in this run, they wait in {_outbox.Path}");
        }
    }

    private void TellRecovery()
    {
        if (_trouble is not null)
        {
            _trouble = null;
            _notify($"events: {_address} is back{(_outbox.Count > 0 ? string.Create(CultureInfo.InvariantCulture, $"; {_outbox.Count} wait for their turn") : "")}");
        }
    }

    /// <summary>Once for each reason, not for each attempt.</summary>
    private void Complain(string reason)
    {
        if (_trouble != reason)
        {
            _trouble = reason;
            _notify($"warning: events: {_address}: {reason}; they wait in {_outbox.Path}");
        }
    }
}
