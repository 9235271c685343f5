using System.Threading.Channels;
using Grpc.Core;
using LoupeGrpc.Server.Contract;
using LoupeGrpc.V1;

namespace LoupeGrpc.Server.Streaming;

/// <summary>
/// One <c>Analyze</c> call from its grant to its end: a reader, a dispatcher into the engine and a writer, side by side.
/// The reader waits for credits, never for the writer itself; the dispatcher waits for neither.
/// </summary>
internal sealed class AnalyzeSession : IDisposable
{
    /// <summary>With FRESHEST the reader goes on while nothing is answered; only a client that reads nothing at all is slowed down.</summary>
    private const int FreshestCredits = 64;

    /// <summary>Grant, summary and events of the session have their places beside the outcomes and the one event that each of these may bring.</summary>
    private const int ResponsesBesideOutcomes = 16;

    private readonly SessionRequest _request;
    private readonly SessionServices _services;
    private readonly ByteBudget _sessionBytes;
    private readonly TimeProvider _time;
    private readonly long _openedAt;
    private readonly SemaphoreSlim _credits;
    private readonly Channel<AnalyzeResponse> _outgoing;
    private readonly OutcomeSequencer _sequencer;
    private readonly FrameDispatcher _dispatcher;
    private readonly SessionControls _controls;
    private readonly CancellationTokenSource _stopReading = new();
    private readonly CancellationTokenSource _giveUp = new();
    private readonly Lock _endLock = new();
    private SessionEnd? _end;
    private Task _stopping = Task.CompletedTask;
    private bool _over;

    public AnalyzeSession(string id, string peer, SessionRequest request, SessionServices services)
    {
        var limits = services.Options.Limits;
        Id = id;
        Peer = peer;
        OpenedAt = services.Time.GetUtcNow();
        Credits = limits.Credits * (request.Delivery == DeliveryMode.Freshest ? FreshestCredits : 1);
        _request = request;
        _services = services;
        _time = services.Time;
        _openedAt = _time.GetTimestamp();
        _sessionBytes = new ByteBudget(limits.MaxSessionBytes);
        _credits = new SemaphoreSlim(Credits);
        _outgoing = Channel.CreateBounded<AnalyzeResponse>(
            new BoundedChannelOptions((2 * Credits) + ResponsesBesideOutcomes) { SingleReader = true });
        _sequencer = new OutcomeSequencer(request.Unordered, _outgoing.Writer, services.Metrics);
        _dispatcher = new FrameDispatcher(services, _sequencer, request, Credits);
        _controls = new SessionControls(services, _sequencer, request);
    }

    /// <summary>The server's name of the session. Not a secret.</summary>
    public string Id { get; }

    /// <summary>The client's name of the session.</summary>
    public string Name => _request.Name;

    /// <summary>The client's program, as it says.</summary>
    public string Client => _request.Client;

    /// <summary>The client's address.</summary>
    public string Peer { get; }

    public DateTimeOffset OpenedAt { get; }

    /// <summary>Frames that may be undelivered at a time.</summary>
    public int Credits { get; }

    public (ulong Frames, int InFlight, ulong Manipulated) Count() => _sequencer.Count();

    /// <summary>
    /// Runs the session. Nothing of it is left when the task ends: no frame inside the engine, no write under way.
    /// </summary>
    /// <param name="requests">Behind the message that opened the session.</param>
    /// <param name="gone">The client is not there any more.</param>
    /// <returns>How it ended.</returns>
    public async Task<SessionEnd> RunAsync(
        IAsyncStreamReader<AnalyzeRequest> requests, IAsyncStreamWriter<AnalyzeResponse> responses, CancellationToken gone)
    {
        using var watch = gone.UnsafeRegister(static session => ((AnalyzeSession)session!).Abandon(), this);
        _outgoing.Writer.TryWrite(new AnalyzeResponse { Granted = Grant() });
        var writing = WriteAsync(responses, gone);
        var dispatching = _dispatcher.RunAsync(_giveUp.Token);
        var end = SessionEnd.Vanished;
        try
        {
            end = await ReadAsync(requests, gone).ConfigureAwait(false);
        }
        finally
        {
            _dispatcher.Complete();
            await dispatching.ConfigureAwait(false);
            await StopListening().ConfigureAwait(false);
            var summary = _sequencer.Summarize(_time.GetElapsedTime(_openedAt));
            summary.Adaptation = _controls.Adaptation;
            if (end.Summarized)
            {
                _outgoing.Writer.TryWrite(new AnalyzeResponse { Summary = summary });
            }

            _outgoing.Writer.TryComplete();
            end = await writing.ConfigureAwait(false) ? end : SessionEnd.Vanished;
            StreamingLog.Ended(_services.Logger, Id, end.Name, summary.Duration, summary.Frames, summary.Results, summary.Dropped, summary.Expired, summary.Failed);
        }

        return end;
    }

    /// <summary>
    /// Ends the session from outside, once; later calls do nothing. The client is told, frames that come are dropped, those taken in get
    /// their outcomes.
    /// </summary>
    /// <param name="patience">How long frames taken in may still be analysed; then they are dropped.</param>
    public void BeginEnd(SessionEnd end, SessionEvent notice, TimeSpan patience)
    {
        lock (_endLock)
        {
            if (_end is null && !_over)
            {
                _end = end;
                _sequencer.Close(notice);
                _stopping = StopReadingWhenDecidedAsync(patience);
            }
        }
    }

    /// <summary>Call when <see cref="RunAsync"/> has ended.</summary>
    public void Dispose()
    {
        _stopReading.Dispose();
        _giveUp.Dispose();
        _credits.Dispose();
        _dispatcher.Dispose();
        _sessionBytes.Dispose();
        _controls.Dispose();
    }

    private SessionGrant Grant() => new()
    {
        SessionId = Id,
        Limits = LimitMessages.Of(_services.Options, Credits, _request.Analysis.MaxResponseBytes),
        Model = _services.Analyzer.Model,
        Execution = _dispatcher.Execution.ToMessage(),
        Thresholds = _controls.Settings.ToThresholds(),
        Delivery = _request.ToDeliveryPolicy(),
        Mask = _controls.Settings.ToMaskSettings(),
        Unavailable = { _controls.Unavailable },
        Adaptation = _controls.Adaptation,
    };

    private async Task<SessionEnd> ReadAsync(IAsyncStreamReader<AnalyzeRequest> requests, CancellationToken gone)
    {
        try
        {
            while (true)
            {
                // A credit comes back with each outcome written: a client that sends without reading is slowed down by flow control.
                await _credits.WaitAsync(_stopReading.Token).ConfigureAwait(false);
                if (!await requests.MoveNext(_stopReading.Token).ConfigureAwait(false))
                {
                    return _end ?? SessionEnd.HalfClosed;
                }

                var receivedAt = _time.GetTimestamp();
                switch (requests.Current.PayloadCase)
                {
                    case AnalyzeRequest.PayloadOneofCase.Frame:
                        await TakeAsync(requests.Current.Frame, receivedAt).ConfigureAwait(false);
                        break;
                    case AnalyzeRequest.PayloadOneofCase.Control:
                        _sequencer.Add(await _controls.ObeyAsync(requests.Current.Control).ConfigureAwait(false));
                        break;
                    case AnalyzeRequest.PayloadOneofCase.Open:
                        return SessionEnd.Refused(RequestFaults.SecondOpen);
                    default:
                        return SessionEnd.Refused(RequestFaults.EmptyMessage);
                }
            }
        }
        catch (OperationCanceledException) when (_end is not null && !gone.IsCancellationRequested)
        {
            return _end;
        }
        catch (Exception exception) when (!gone.IsCancellationRequested && RequestFaults.Find(exception, _services.Options.Limits) is { } status)
        {
            return SessionEnd.Refused(status);
        }
        catch (Exception exception) when (RequestFaults.IsBrokenTransport(exception))
        {
            // The reader may notice before the call's token does.
            return SessionEnd.Vanished;
        }
    }

    private async ValueTask TakeAsync(Frame message, long receivedAt)
    {
        var read = FrameReader.Read(message, _request.FrameFormat);
        var frame = new SessionFrame
        {
            FrameId = message.FrameId,
            CaptureTime = message.CaptureTime,
            ReceivedAt = receivedAt,
            Deadline = read.Deadline,
            Settings = _controls.Settings,
            Input = read.Input,
        };
        if (!_sequencer.Add(frame))
        {
            _dispatcher.Drop(frame, DropReason.SessionEnded);
        }
        else if (read.Failure is not null)
        {
            _dispatcher.Fail(frame, read.Failure);
        }
        else if (_request.Delivery == DeliveryMode.Freshest)
        {
            TakeFreshest(frame);
        }
        else
        {
            await TakeEveryAsync(frame).ConfigureAwait(false);
        }
    }

    /// <summary>Waits for room for its bytes, and with it the client.</summary>
    private async ValueTask TakeEveryAsync(SessionFrame frame)
    {
        try
        {
            var bytes = frame.Input.Data.Length;
            var session = await _sessionBytes.AcquireAsync(bytes, _giveUp.Token).ConfigureAwait(false);
            frame.Charge(session, null);
            frame.Charge(session, await _services.Bytes.Budget.AcquireAsync(bytes, _giveUp.Token).ConfigureAwait(false));
        }
        catch (OperationCanceledException)
        {
            _dispatcher.Drop(frame, DropReason.SessionEnded);
            return;
        }

        _dispatcher.Accept(frame);
    }

    /// <summary>Never waits. Two frames at most hold bytes, so the session's own budget is not asked.</summary>
    private void TakeFreshest(SessionFrame frame)
    {
        if (_services.Bytes.Budget.TryAcquire(frame.Input.Data.Length) is { } bytes)
        {
            frame.Charge(null, bytes);
            _dispatcher.Accept(frame);
        }
        else
        {
            _dispatcher.Fail(frame, ServerBusy.NoBytesLeft(_services.Options.Limits));
        }
    }

    /// <summary>The one writer.</summary>
    /// <returns>Whether everything was written.</returns>
    private async Task<bool> WriteAsync(IAsyncStreamWriter<AnalyzeResponse> responses, CancellationToken gone)
    {
        try
        {
            await foreach (var response in _outgoing.Reader.ReadAllAsync(gone).ConfigureAwait(false))
            {
                await responses.WriteAsync(response, gone).ConfigureAwait(false);
                if (response.PayloadCase is AnalyzeResponse.PayloadOneofCase.Outcome or AnalyzeResponse.PayloadOneofCase.ControlReply)
                {
                    _credits.Release();
                }
            }

            return true;
        }
        catch (Exception exception)
        {
            Abandon();
            if (!RequestFaults.IsBrokenTransport(exception))
            {
                throw;
            }

            return false;
        }
    }

    private async Task StopReadingWhenDecidedAsync(TimeSpan patience)
    {
        try
        {
            await _sequencer.WhenDecided().WaitAsync(patience, _time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            await _giveUp.CancelAsync().ConfigureAwait(false);
            await _sequencer.WhenDecided().ConfigureAwait(false);
        }

        await _stopReading.CancelAsync().ConfigureAwait(false);
    }

    /// <summary>After this nobody ends the session from outside, and what did has come to its end.</summary>
    private Task StopListening()
    {
        lock (_endLock)
        {
            _over = true;
            return _stopping;
        }
    }

    private void Abandon()
    {
        _giveUp.Cancel();
        _stopReading.Cancel();
    }
}
