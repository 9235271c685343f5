using System.Collections.Concurrent;
using System.Threading.Channels;
using LoupeGrpc.Engine;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.Server.Sessions.Frames;

namespace LoupeGrpc.Server.Inference;

/// <summary>
/// Requests of one sequence as the transport of a session. It has no connection that could break: a sequence ends with the request that says so, or when none has
/// come for a while. Thread-safe.
/// </summary>
internal sealed class Sequence : ISessionTransport, IDisposable
{
    private readonly Channel<(SessionInput Input, Action? Taken)> _inputs = Channel.CreateUnbounded<(SessionInput, Action?)>();
    private readonly ConcurrentDictionary<ulong, TaskCompletionSource<FrameEnd>> _waiting = [];
    private readonly TaskCompletionSource<SessionGrant> _granted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _lock = new();
    private readonly TimeSpan _patience;
    private readonly ITimer _silence;
    private AnalysisSettings _settings;
    private Action? _taken;
    private ulong _frames;
    private ulong _controls;
    private int _requests;
    private bool _closed;
    private string? _lost;

    /// <param name="peer">Of its first request.</param>
    /// <param name="settings">Of its first request.</param>
    /// <param name="patience">How long it waits for the next.</param>
    public Sequence(string peer, AnalysisSettings settings, TimeSpan patience, TimeProvider time)
    {
        Peer = peer;
        _settings = settings;
        _patience = patience;
        _silence = time.CreateTimer(static sequence => ((Sequence)sequence!).CloseIfSilent(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public string Peer { get; }

    /// <summary>Never: what is silent ends in order.</summary>
    public CancellationToken Gone => CancellationToken.None;

    /// <summary>Once the session is opened. Fails where it never is.</summary>
    public Task<SessionGrant> Granted => _granted.Task;

    /// <summary>Why the session stopped adapting; null: it did not.</summary>
    public string? LostAdaptation => Volatile.Read(ref _lost);

    /// <summary>Puts the pictures of a request into the session, behind those of the requests before.</summary>
    /// <param name="taken">Called when the session has them.</param>
    /// <param name="isLast">Whether the sequence ends with them.</param>
    /// <returns>What becomes of each; null: the sequence is over. Call <see cref="Leave"/> when they are known.</returns>
    public IReadOnlyList<Task<FrameEnd>>? TryAdd(IReadOnlyList<FrameInput> pictures, AnalysisSettings settings, Action taken, bool isLast)
    {
        lock (_lock)
        {
            if (_closed)
            {
                return null;
            }

            _requests++;
            _silence.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            Adopt(settings);
            List<Task<FrameEnd>> ends = [];
            foreach (var picture in pictures)
            {
                var end = _waiting[_frames] = new TaskCompletionSource<FrameEnd>(TaskCreationOptions.RunContinuationsAsynchronously);
                ends.Add(end.Task);
                _inputs.Writer.TryWrite((new IncomingFrame(_frames++, null, null, picture, null), ends.Count == pictures.Count ? taken : null));
            }

            if (isLast)
            {
                Close();
            }

            return ends;
        }
    }

    /// <summary>A request has its answer, or nobody waits for it any more.</summary>
    public void Leave()
    {
        lock (_lock)
        {
            if (--_requests == 0 && !_closed)
            {
                _silence.Change(_patience, Timeout.InfiniteTimeSpan);
            }
        }
    }

    /// <summary>Takes nothing more; what it has is still answered.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _closed = true;
            _inputs.Writer.TryComplete();
        }
    }

    /// <summary>The session is over.</summary>
    /// <param name="failure">Why, for those who still wait.</param>
    public void End(CallFailure failure)
    {
        Close();
        var exception = new InferenceException(failure);
        _granted.TrySetException(exception);
        // Nobody may wait for it.
        _ = _granted.Task.Exception;
        foreach (var waiting in _waiting.Values)
        {
            waiting.TrySetException(exception);
        }
    }

    /// <summary>Its requests are whole before it is known whose they are.</summary>
    public void SlowBy(PaidAhead paid)
    {
    }

    public async Task<SessionInput> ReadAsync(SessionOpening opening, CancellationToken cancellationToken)
    {
        while (await _inputs.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
        {
            if (_inputs.Reader.TryRead(out var next))
            {
                _taken = next.Taken;
                return next.Input;
            }
        }

        return SessionInput.HalfClose;
    }

    public void Release()
    {
        _taken?.Invoke();
        _taken = null;
    }

    public Task<bool> TryWriteAsync(SessionResponse response, CancellationToken cancellationToken)
    {
        switch (response)
        {
            case FrameAnswer answer when _waiting.TryRemove(answer.FrameId, out var waiting):
                waiting.TrySetResult(answer.End);
                break;
            case SessionNotice { Kind: NoticeKind.AdaptationEvicted } notice:
                Volatile.Write(ref _lost, notice.Message);
                break;
        }

        return Task.FromResult(true);
    }

    public Task<bool> TryWriteAsync(SessionGrant grant, CancellationToken cancellationToken)
    {
        _granted.TrySetResult(grant);
        return Task.FromResult(true);
    }

    public Task<bool> TryWriteAsync(SessionSummary summary, CancellationToken cancellationToken) => Task.FromResult(true);

    public void Dispose() => _silence.Dispose();

    /// <summary>Controls take their place between the frames before and behind them. Within the lock.</summary>
    private void Adopt(AnalysisSettings settings)
    {
        if (settings.Thresholds != _settings.Thresholds)
        {
            _inputs.Writer.TryWrite((new SessionCommand.SetThresholds(_controls++, settings.Thresholds), null));
        }

        if (settings.Mask != _settings.Mask)
        {
            _inputs.Writer.TryWrite((new SessionCommand.SetMask(_controls++, settings.Mask), null));
        }

        _settings = settings;
    }

    private void CloseIfSilent()
    {
        lock (_lock)
        {
            if (_requests == 0)
            {
                Close();
            }
        }
    }
}
