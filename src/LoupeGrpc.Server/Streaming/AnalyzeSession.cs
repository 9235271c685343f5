using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Contract;
using LoupeGrpc.V1;

namespace LoupeGrpc.Server.Streaming;

/// <summary>
/// A session from its opening to its end: its frames, their outcomes, its settings and its adaptation. It is served by one call at a time; where it
/// is resumable it outlives a broken one, finishes the frames it has, and waits for the next within its resume window. Thread-safe but for what is
/// marked as the reader's.
/// </summary>
internal sealed class AnalyzeSession : IDisposable
{
    /// <summary>With FRESHEST the reader goes on while nothing is answered; only a client that reads nothing at all is slowed down.</summary>
    private const int FreshestCredits = 64;

    private readonly SessionRequest _request;
    private readonly SessionServices _services;
    private readonly Action<AnalyzeSession> _ended;
    private readonly long _openedAt;
    private readonly OutcomeSequencer _sequencer;
    private readonly SessionAdaptation _adaptation;
    private readonly FrameDispatcher _dispatcher;
    private readonly FrameIntake _intake;
    private readonly SessionControls _controls;
    private readonly CancellationTokenSource _stopReading = new();
    private readonly CancellationTokenSource _giveUp = new();
    private readonly Lock _lock = new();
    private IReadOnlyList<Unavailable> _unavailable = [];
    private Task _dispatching = Task.CompletedTask;
    private Task _stopping = Task.CompletedTask;
    private SessionCall? _call;
    private ITimer? _window;
    private DateTimeOffset? _parkedSince;
    private bool _started;
    private bool _over;

    /// <param name="ended">Called once, when nothing of the session is left.</param>
    public AnalyzeSession(string id, SessionRequest request, SessionServices services, Action<AnalyzeSession> ended)
    {
        var limits = services.Options.Limits;
        Id = id;
        Peer = string.Empty;
        OpenedAt = services.Time.GetUtcNow();
        Credits = limits.Credits * (request.Delivery == DeliveryMode.Freshest ? FreshestCredits : 1);
        Token = request.Resumable ? new ResumeToken() : null;
        Outbox = new SessionOutbox(Credits, request.Resumable, services.Options.Sessions.MaxKeptBytes);
        _request = request;
        _services = services;
        _ended = ended;
        _openedAt = services.Time.GetTimestamp();
        _sequencer = new OutcomeSequencer(request.Unordered, Outbox, services.Metrics);
        _adaptation = new SessionAdaptation(
            services.Analyzer, services.AdaptationBudget, _sequencer, () => StreamingLog.AdaptationEvicted(services.Logger, id));
        _dispatcher = new FrameDispatcher(services, _sequencer, _adaptation, request, Credits);
        _intake = new FrameIntake(services, request, _sequencer, _dispatcher, _giveUp.Token);
        _controls = new SessionControls(_sequencer, _adaptation, request.Analysis, services.Options.Thresholds);
    }

    /// <summary>The server's name of the session. Not a secret.</summary>
    public string Id { get; }

    /// <summary>The client's name of the session.</summary>
    public string Name => _request.Name;

    /// <summary>The client's program, as it says.</summary>
    public string Client => _request.Client;

    /// <summary>The client's address, of the last call.</summary>
    public string Peer { get; private set; }

    public DateTimeOffset OpenedAt { get; }

    /// <summary>Since when no call serves it; null while one does.</summary>
    public DateTimeOffset? ParkedSince
    {
        get
        {
            lock (_lock)
            {
                return _parkedSince;
            }
        }
    }

    /// <summary>Frames that may be undelivered at a time.</summary>
    public int Credits { get; }

    /// <summary>Null where the session ends with its call.</summary>
    public ResumeToken? Token { get; }

    public bool Resumable => Token is not null;

    /// <summary>What calls write.</summary>
    public SessionOutbox Outbox { get; }

    public LimitOptions Limits => _services.Options.Limits;

    /// <summary>How the session was told to end from outside; null while it was not.</summary>
    public SessionEnd? End { get; private set; }

    /// <summary>The session was told to end, and every frame taken in has its outcome.</summary>
    public CancellationToken StopReading => _stopReading.Token;

    /// <summary>After the last frame or control that is done; null where the session does not adapt.</summary>
    public AdaptationState? Adaptation => _adaptation.State;

    public (ulong Frames, int InFlight, ulong Manipulated) Count() => _sequencer.Count();

    /// <summary>Gives the session to a call, in the place of any other. False, and nothing changes, where that cannot be.</summary>
    /// <param name="received">Responses that the call's client has.</param>
    /// <param name="refusal">Why the claim is wrong; null where the session is over.</param>
    public bool TryAttach(SessionCall call, ulong received, out RpcException? refusal)
    {
        lock (_lock)
        {
            refusal = null;
            if (_over || (refusal = Outbox.Attach(call, received)) is not null)
            {
                return false;
            }

            call.Resumes = _started;
            if (_call is not null)
            {
                call.Follow(_call);
                _call.BeginLeave();
                StreamingLog.TakenOver(_services.Logger, Id, Peer, call.Peer, received);
                _services.Metrics.SessionResumed(wasParked: false);
            }
            else if (_parkedSince is not null)
            {
                StreamingLog.Resumed(_services.Logger, Id, call.Peer, received);
                _services.Metrics.SessionResumed(wasParked: true);
            }

            Unpark();
            _call = call;
            Peer = call.Peer;
            return true;
        }
    }

    /// <summary>Lets the call that has the session serve it, until the call or the session ends. The first call begins the session.</summary>
    /// <returns>How the call ends.</returns>
    public async Task<SessionEnd> ServeAsync(SessionCall call)
    {
        SessionEnd end;
        try
        {
            if (!_started)
            {
                Start();
            }

            end = await call.RunAsync(this).ConfigureAwait(false);
        }
        catch
        {
            await DetachAsync(call, SessionEnd.Faulted).ConfigureAwait(false);
            throw;
        }

        return await DetachAsync(call, end).ConfigureAwait(false);
    }

    /// <summary>What the call is told first.</summary>
    public SessionGrant Grant(SessionCall call)
    {
        var adaptation = _adaptation.State;
        var resumed = call.Resumes;
        return new SessionGrant
        {
            SessionId = Id,
            Limits = LimitMessages.Of(_services.Options, Credits, _request.Analysis.MaxResponseBytes),
            Model = _services.Analyzer.Model,
            Execution = _dispatcher.Execution.ToMessage(),
            Thresholds = _controls.Settings.ToThresholds(),
            Delivery = _request.ToDeliveryPolicy(),
            Mask = _controls.Settings.ToMaskSettings(adaptation is not null),
            Unavailable = { resumed ? _unavailable : _request.Unavailable.Concat(_unavailable) },
            Adaptation = adaptation,
            ResumeToken = Token?.ToByteString() ?? ByteString.Empty,
            ResumeWindow = Token is null ? null : Duration.FromTimeSpan(_services.Options.Sessions.ResumeWindow),
            Resumed = resumed,
            NextSequence = resumed ? _sequencer.NextSequence : 0,
            ControlsReceived = resumed ? _controls.Received : 0,
        };
    }

    /// <summary>Takes a frame in. The reader's.</summary>
    /// <param name="receivedAt">Timestamp.</param>
    public ValueTask TakeAsync(Frame frame, long receivedAt)
    {
        Outbox.TakeCredit();
        return _intake.TakeAsync(frame, _controls.Settings, receivedAt);
    }

    /// <summary>Carries a control out. The reader's.</summary>
    public ValueTask ObeyAsync(Control control)
    {
        Outbox.TakeCredit();
        return _controls.ObeyAsync(control);
    }

    /// <summary>Done when every frame taken in has its outcome.</summary>
    public Task WhenDecided() => _sequencer.WhenDecided();

    /// <summary>The session so far.</summary>
    public SessionSummary Summarize()
    {
        var summary = _sequencer.Summarize(_services.Time.GetElapsedTime(_openedAt));
        summary.Adaptation = _adaptation.State;
        return summary;
    }

    /// <summary>
    /// Ends the session from outside, once; later calls do nothing. The client is told, frames that come are dropped, those taken in get
    /// their outcomes. Without a call it is dropped at once.
    /// </summary>
    /// <param name="patience">How long frames taken in may still be analysed; then they are dropped.</param>
    public void BeginEnd(SessionEnd end, SessionEvent notice, TimeSpan patience)
    {
        lock (_lock)
        {
            if (End is not null || _over)
            {
                return;
            }

            if (_parkedSince is null)
            {
                End = end;
                _sequencer.Close(notice);
                _stopping = StopReadingWhenDecidedAsync(patience);
                return;
            }
        }

        TryDrop(end);
    }

    /// <summary>Ends the session at once, if no call serves it.</summary>
    public bool TryDrop(SessionEnd end) => TryDrop(end, null);

    /// <summary>Nobody waits for its frames any more: they are dropped, those inside the engine canceled.</summary>
    public void Abandon() => _giveUp.Cancel();

    /// <summary>For a session that no call began to serve; the others do so by themselves.</summary>
    public void Dispose()
    {
        _window?.Dispose();
        _stopReading.Dispose();
        _giveUp.Dispose();
        _intake.Dispose();
        _dispatcher.Dispose();
        _adaptation.Dispose();
    }

    private void Start()
    {
        _started = true;
        _services.Metrics.SessionOpened();
        StreamingLog.Opened(_services.Logger, Id, Name, Client, Peer, _request.Delivery);
        _dispatching = _dispatcher.RunAsync(_giveUp.Token);
        _adaptation.Enter();
        _unavailable = [.. _adaptation.Open(_request.Adaptation, _request.AdaptationSnapshot)];
        if (_adaptation.Leave() is { } eviction)
        {
            _sequencer.Tell(eviction);
        }
    }

    private async Task<SessionEnd> DetachAsync(SessionCall call, SessionEnd end)
    {
        lock (_lock)
        {
            if (_call != call)
            {
                return SessionEnd.TakenOver;
            }

            _call = null;
            if (end == SessionEnd.Vanished && Resumable && End is null)
            {
                Park();
                return end;
            }

            _over = true;
        }

        await FinishAsync(end).ConfigureAwait(false);
        return end;
    }

    /// <summary>Within the lock.</summary>
    private void Park()
    {
        var window = _services.Options.Sessions.ResumeWindow;
        _parkedSince = _services.Time.GetUtcNow();
        _services.Metrics.SessionParked();
        StreamingLog.Parked(_services.Logger, Id, window);
        // Armed when it is known by itself: a timer that fires late must not end what was parked anew.
        ITimer? timer = null;
        _window = timer = _services.Time.CreateTimer(
            _ => TryDrop(SessionEnd.NotResumed, timer), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        timer.Change(window, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Within the lock.</summary>
    private void Unpark()
    {
        _parkedSince = null;
        _window?.Dispose();
        _window = null;
    }

    /// <param name="window">Only where the session waits within this one; null: within any.</param>
    private bool TryDrop(SessionEnd end, ITimer? window)
    {
        lock (_lock)
        {
            if (_over || _parkedSince is null || (window is not null && window != _window))
            {
                return false;
            }

            _over = true;
        }

        _ = FinishAsync(end);
        return true;
    }

    /// <summary>Once, when <c>_over</c> was set.</summary>
    private async Task FinishAsync(SessionEnd end)
    {
        try
        {
            // Frames are left only where nobody waits for them.
            await _giveUp.CancelAsync().ConfigureAwait(false);
            _dispatcher.Complete();
            await _dispatching.ConfigureAwait(false);
            await _stopping.ConfigureAwait(false);
        }
        finally
        {
            var summary = Summarize();
            StreamingLog.Ended(_services.Logger, Id, end.Name, summary.Duration, summary.Frames, summary.Results, summary.Dropped, summary.Expired, summary.Failed);
            _services.Metrics.SessionEnded(ParkedSince is not null);
            Dispose();
            _ended(this);
        }
    }

    private async Task StopReadingWhenDecidedAsync(TimeSpan patience)
    {
        try
        {
            await _sequencer.WhenDecided().WaitAsync(patience, _services.Time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            await _giveUp.CancelAsync().ConfigureAwait(false);
            await _sequencer.WhenDecided().ConfigureAwait(false);
        }

        await _stopReading.CancelAsync().ConfigureAwait(false);
    }
}
