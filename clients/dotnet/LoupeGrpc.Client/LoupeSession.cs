using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Grpc.Core;
using LoupeGrpc.Client.Internal;
using LoupeGrpc.V1;

namespace LoupeGrpc.Client;

/// <summary>
/// One session: frames in, one outcome for each out. Open it with <see cref="LoupeClient.OpenSessionAsync"/>.
/// Sending, controlling and reading are independent of each other and may run on different threads; sending is thread-safe.
/// When the connection breaks, every frame in flight gets <see cref="LoupeFailureCode.ConnectionLost"/>, <see cref="Results"/> ends
/// after them, and <see cref="SendAsync"/> and <see cref="CompleteAsync"/> throw.
/// </summary>
public sealed class LoupeSession : IAsyncDisposable
{
    private const int DefaultCredits = 64;

    private readonly AsyncDuplexStreamingCall<AnalyzeRequest, AnalyzeResponse> _call;
    private readonly string _address;
    private readonly OutcomeLedger _ledger;
    private readonly SemaphoreSlim _credits;
    private readonly SemaphoreSlim _writing = new(1, 1);
    private readonly ConcurrentDictionary<ulong, TaskCompletionSource<ControlReply>> _controls = new();
    private readonly TaskCompletionSource<SessionSummary> _summary = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _ended = new();
    private readonly Channel<SessionEvent> _events = Channel.CreateBounded<SessionEvent>(
        new BoundedChannelOptions(256) { FullMode = BoundedChannelFullMode.DropOldest });

    private readonly Task _reading;
    private ulong _lastControl;
    private volatile bool _completing;
    private volatile bool _disposed;
    private volatile LoupeException? _fault;

    private LoupeSession(
        AsyncDuplexStreamingCall<AnalyzeRequest, AnalyzeResponse> call,
        SessionGrant grant,
        LoupeSessionOptions options,
        string address)
    {
        _call = call;
        _address = address;
        Grant = grant;
        var granted = grant.Limits?.Credits is > 0 and var credits ? (int)Math.Min(credits, int.MaxValue) : DefaultCredits;
        _credits = new SemaphoreSlim(Math.Min(granted, options.MaxFramesInFlight));
        _ledger = new OutcomeLedger(!options.Unordered, grant.NextSequence);
        _reading = Task.Run(ReadAsync);
    }

    /// <summary>What the server granted: limits, model, what runs it, and what of the request is not available.</summary>
    public SessionGrant Grant { get; }

    /// <summary>Why the session ended before it was completed. Null while it runs and after a regular end.</summary>
    public LoupeException? Fault => _fault;

    /// <summary>
    /// Sends a frame once there is room: at most the granted credits of frames are without an outcome taken from <see cref="Results"/>,
    /// so read those beside. A frame over the granted <see cref="Limits.MaxFrameBytes"/> is not sent and gets
    /// <see cref="LoupeFailureCode.TooLarge"/>.
    /// </summary>
    /// <param name="frame">Its bytes may be reused when the returned task is done.</param>
    /// <param name="cancellationToken">Gives up waiting for room, and then the frame was not taken. Once its transfer has begun only disposing stops it.</param>
    /// <returns>Done when the frame was taken: from then on it has exactly one outcome. When this throws, it has none.</returns>
    /// <exception cref="LoupeConnectionLostException">The session is over.</exception>
    /// <exception cref="InvalidOperationException"><see cref="CompleteAsync"/> was called.</exception>
    public async ValueTask SendAsync(LoupeFrame frame, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(frame);
        ThrowIfCompleting();
        await WaitAsync(_credits, cancellationToken).ConfigureAwait(false);
        var taken = false;
        try
        {
            await WaitAsync(_writing, cancellationToken).ConfigureAwait(false);
            try
            {
                ThrowIfCompleting();
                var limit = Grant.Limits?.MaxFrameBytes ?? 0;
                if (limit > 0 && (ulong)frame.Data.Length > limit)
                {
                    taken = _ledger.TryEnterFailed(frame.FrameId, LoupeFailureCode.TooLarge, TooLarge(frame.Data.Length, limit));
                }
                else
                {
                    taken = _ledger.TryEnter(frame.FrameId);
                    if (taken)
                    {
                        await WriteAsync(new AnalyzeRequest { Frame = frame.ToMessage() }).ConfigureAwait(false);
                    }
                }
            }
            finally
            {
                _writing.Release();
            }
        }
        finally
        {
            if (!taken)
            {
                _credits.Release();
            }
        }

        if (!taken)
        {
            throw Ended();
        }
    }

    /// <summary>
    /// The outcomes, in the order of sending unless the session is unordered. Ends after the last one when the session was completed,
    /// broke or was disposed; never throws for those. One reader at a time; a later one goes on where an earlier one stopped.
    /// </summary>
    /// <param name="cancellationToken">Stops reading; the session goes on.</param>
    public async IAsyncEnumerable<LoupeOutcome> Results([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        while (await _ledger.Outcomes.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
        {
            while (_ledger.Outcomes.TryRead(out var outcome))
            {
                _credits.Release();
                yield return outcome;
            }
        }
    }

    /// <summary>
    /// What happened to the session by itself: draining, a guard that froze adaptation, another provider. Ends with the session.
    /// Nobody has to read it: the 256 latest are kept.
    /// </summary>
    public IAsyncEnumerable<SessionEvent> Events(CancellationToken cancellationToken = default) =>
        _events.Reader.ReadAllAsync(cancellationToken);

    /// <summary>Says that no more frames come and waits for the server's account. Outcomes can still be read afterwards.</summary>
    /// <param name="cancellationToken">Gives up waiting; the session stays half-closed.</param>
    /// <exception cref="LoupeConnectionLostException">The session broke before the summary came.</exception>
    public async Task<SessionSummary> CompleteAsync(CancellationToken cancellationToken = default)
    {
        if (!_summary.Task.IsCompleted)
        {
            await WaitAsync(_writing, cancellationToken).ConfigureAwait(false);
            try
            {
                if (!_completing)
                {
                    _completing = true;
                    await _call.RequestStream.CompleteAsync().ConfigureAwait(false);
                }
            }
            catch (Exception error) when (IsBroken(error))
            {
                // The reader sees why, and fails the summary.
            }
            finally
            {
                _writing.Release();
            }
        }

        return await _summary.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>New thresholds from the next frame on.</summary>
    /// <returns>The reply, with the thresholds in force.</returns>
    /// <inheritdoc cref="FlushAsync" path="/exception"/>
    public Task<ControlReply> SetThresholdsAsync(Thresholds thresholds, CancellationToken cancellationToken = default) =>
        ControlAsync(new Control { SetThresholds = thresholds }, cancellationToken);

    /// <summary>New mask settings from the next frame on.</summary>
    /// <inheritdoc cref="FlushAsync" path="/exception"/>
    public Task<ControlReply> SetMaskAsync(MaskSettings mask, CancellationToken cancellationToken = default) =>
        ControlAsync(new Control { SetMask = mask }, cancellationToken);

    /// <summary>Waits until every frame sent before it has its outcome.</summary>
    /// <exception cref="LoupeRequestException">The server did not carry it out; the session is as before.</exception>
    /// <exception cref="LoupeConnectionLostException">The session is over.</exception>
    /// <exception cref="InvalidOperationException"><see cref="CompleteAsync"/> was called.</exception>
    public Task<ControlReply> FlushAsync(CancellationToken cancellationToken = default) =>
        ControlAsync(new Control { Flush = new Flush() }, cancellationToken);

    /// <summary>Starts adapting, or changes how, from the next frame on; parameters stay as they are.</summary>
    /// <inheritdoc cref="FlushAsync" path="/exception"/>
    public Task<ControlReply> SetAdaptationAsync(AdaptationSettings settings, CancellationToken cancellationToken = default) =>
        ControlAsync(new Control { SetAdaptation = new SetAdaptation { Settings = settings } }, cancellationToken);

    /// <summary>Stops adapting; the parameters stay.</summary>
    /// <inheritdoc cref="FlushAsync" path="/exception"/>
    public Task<ControlReply> FreezeAdaptationAsync(CancellationToken cancellationToken = default) =>
        ControlAsync(new Control { FreezeAdaptation = new FreezeAdaptation() }, cancellationToken);

    /// <summary>Goes on adapting after a freeze.</summary>
    /// <inheritdoc cref="FlushAsync" path="/exception"/>
    public Task<ControlReply> ResumeAdaptationAsync(CancellationToken cancellationToken = default) =>
        ControlAsync(new Control { ResumeAdaptation = new ResumeAdaptation() }, cancellationToken);

    /// <summary>Back to the base parameters, step 0.</summary>
    /// <inheritdoc cref="FlushAsync" path="/exception"/>
    public Task<ControlReply> ResetAdaptationAsync(CancellationToken cancellationToken = default) =>
        ControlAsync(new Control { ResetAdaptation = new ResetAdaptation() }, cancellationToken);

    /// <summary>Back to the state after <paramref name="step"/> optimiser steps, or to the last snapshot when null.</summary>
    /// <inheritdoc cref="FlushAsync" path="/exception"/>
    public Task<ControlReply> RollbackAdaptationAsync(ulong? step = null, CancellationToken cancellationToken = default) =>
        ControlAsync(
            new Control { RollbackAdaptation = step is { } value ? new() { Step = value } : new() { LastSnapshot = true } },
            cancellationToken);

    /// <summary>The state that the frames sent before leave.</summary>
    /// <returns>The reply, with the state as bytes for <see cref="LoupeSessionOptions.AdaptationSnapshot"/>.</returns>
    /// <inheritdoc cref="FlushAsync" path="/exception"/>
    public Task<ControlReply> SnapshotAdaptationAsync(CancellationToken cancellationToken = default) =>
        ControlAsync(new Control { SnapshotAdaptation = new SnapshotAdaptation() }, cancellationToken);

    /// <summary>Ends the session at once when it was not completed: frames in flight get <see cref="LoupeFailureCode.Canceled"/>.</summary>
    public async ValueTask DisposeAsync()
    {
        _disposed = true;
        _call.Dispose();
        await _reading.ConfigureAwait(false);
    }

    private bool IsComplete => _completing && _summary.Task.IsCompletedSuccessfully;

    internal static async Task<LoupeSession> OpenAsync(
        ForgeryAnalysisService.ForgeryAnalysisServiceClient service,
        AnalyzeRequest open,
        Metadata headers,
        LoupeSessionOptions options,
        string address,
        CancellationToken cancellationToken)
    {
        var call = service.Analyze(headers, cancellationToken: CancellationToken.None);
        try
        {
            using var giveUp = cancellationToken.Register(static call => ((IDisposable)call!).Dispose(), call);
            try
            {
                await call.RequestStream.WriteAsync(open, CancellationToken.None).ConfigureAwait(false);
            }
            catch (Exception error) when (IsBroken(error))
            {
                // The response says why.
            }

            if (!await call.ResponseStream.MoveNext(CancellationToken.None).ConfigureAwait(false)
                || call.ResponseStream.Current.PayloadCase != AnalyzeResponse.PayloadOneofCase.Granted)
            {
                throw new LoupeUnavailableException($"the server at {address} did not grant the session: it speaks another version of loupe.v1");
            }

            return new LoupeSession(call, call.ResponseStream.Current.Granted, options, address);
        }
        catch (Exception error)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var status = error is OperationCanceledException ? StatusOf(call) : null;
            call.Dispose();
            if (status is not null)
            {
                throw status;
            }

            throw;
        }
    }

    private async Task<ControlReply> ControlAsync(Control control, CancellationToken cancellationToken)
    {
        ThrowIfCompleting();
        var waiting = new TaskCompletionSource<ControlReply>(TaskCreationOptions.RunContinuationsAsynchronously);
        await WaitAsync(_writing, cancellationToken).ConfigureAwait(false);
        try
        {
            ThrowIfCompleting();
            control.ControlId = ++_lastControl;
            _controls[control.ControlId] = waiting;
            await WriteAsync(new AnalyzeRequest { Control = control }).ConfigureAwait(false);
        }
        finally
        {
            _writing.Release();
        }

        if (_ended.IsCancellationRequested)
        {
            // It may have been entered after the end had emptied the table.
            waiting.TrySetException(Ended());
        }

        var reply = await waiting.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        return reply.Failed is { } failed
            ? throw new LoupeRequestException(RpcErrors.ToCode(failed.Code), failed.Message)
            : reply;
    }

    /// <summary>A broken transport is not this call's business: the reader sees it too, and ends every frame and control in flight.</summary>
    private async Task WriteAsync(AnalyzeRequest message)
    {
        try
        {
            await _call.RequestStream.WriteAsync(message, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception error) when (IsBroken(error))
        {
        }
    }

    private async Task ReadAsync()
    {
        LoupeException? fault;
        try
        {
            fault = null;
            while (fault is null && await _call.ResponseStream.MoveNext(CancellationToken.None).ConfigureAwait(false))
            {
                fault = Take(_call.ResponseStream.Current);
            }

            if (fault is null && !IsComplete)
            {
                fault = new LoupeConnectionLostException($"the server at {_address} ended the session before it was completed");
            }
        }
        catch (RpcException error)
        {
            // A server that drains ends completed sessions with UNAVAILABLE too; nothing is missing then.
            fault = IsComplete ? null : RpcErrors.ToSessionFault(error, _address);
        }
        catch (Exception error)
        {
            fault = StatusOf(_call) is { } status
                ? RpcErrors.ToSessionFault(status, _address)
                : new LoupeConnectionLostException($"the connection to {_address} broke ({error.Message})", error);
        }

        End(_disposed ? new LoupeConnectionLostException("the session was disposed") : fault);
        _call.Dispose();
    }

    /// <returns>Why the session cannot go on, where the message breaks the protocol.</returns>
    private LoupeConnectionLostException? Take(AnalyzeResponse response)
    {
        switch (response.PayloadCase)
        {
            case AnalyzeResponse.PayloadOneofCase.Outcome:
                return _ledger.TrySettle(response.Outcome)
                    ? null
                    : new LoupeConnectionLostException(
                        $"the server at {_address} broke the protocol: an outcome for frame {response.Outcome.Sequence}, which waits for none");
            case AnalyzeResponse.PayloadOneofCase.ControlReply:
                if (_controls.TryRemove(response.ControlReply.ControlId, out var waiting))
                {
                    waiting.TrySetResult(response.ControlReply);
                }

                return null;
            case AnalyzeResponse.PayloadOneofCase.Event:
                _events.Writer.TryWrite(response.Event);
                return null;
            case AnalyzeResponse.PayloadOneofCase.Summary:
                _summary.TrySetResult(response.Summary);
                return null;
            default:
                // Kinds that a newer server may send.
                return null;
        }
    }

    private void End(LoupeException? fault)
    {
        _fault = fault;
        _ended.Cancel();
        _ledger.Close(
            _disposed ? LoupeFailureCode.Canceled : LoupeFailureCode.ConnectionLost,
            fault?.Message ?? "the server completed the session without an outcome for this frame");
        _events.Writer.TryComplete();
        var ended = Ended();
        foreach (var id in _controls.Keys)
        {
            if (_controls.TryRemove(id, out var waiting))
            {
                waiting.TrySetException(ended);
            }
        }

        if (_summary.TrySetException(ended))
        {
            // Nobody has to ask for the summary.
            _ = _summary.Task.Exception;
        }
    }

    /// <summary>Waits for room or a turn, but never past the end of the session.</summary>
    private async ValueTask WaitAsync(SemaphoreSlim room, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (_ended.IsCancellationRequested)
        {
            throw Ended();
        }

        if (room.Wait(0, CancellationToken.None))
        {
            return;
        }

        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _ended.Token);
        try
        {
            await room.WaitAsync(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw Ended();
        }
    }

    private void ThrowIfCompleting()
    {
        if (_completing)
        {
            throw new InvalidOperationException("The session is being completed: it takes no more frames and controls.");
        }
    }

    private LoupeConnectionLostException Ended() => new(_fault?.Message ?? "the session is over", _fault);

    private static string TooLarge(int bytes, ulong limit) => FormattableString.Invariant(
        $"frame is {bytes / (1024.0 * 1024.0):0.0} MiB, limit {limit / (1024.0 * 1024.0):0.##} MiB: Loupe:Limits:MaxFrameBytes of the server");

    /// <summary>A call that broke while nobody read from it says "canceled" to the next reader; this is why it broke.</summary>
    private static RpcException? StatusOf(AsyncDuplexStreamingCall<AnalyzeRequest, AnalyzeResponse> call)
    {
        try
        {
            return new RpcException(call.GetStatus());
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>What grpc-dotnet throws from writes to a call that is over.</summary>
    private static bool IsBroken(Exception error) =>
        error is RpcException or OperationCanceledException or ObjectDisposedException or IOException or InvalidOperationException;
}
