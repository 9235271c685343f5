using LoupeGrpc.Server.Models;
using LoupeGrpc.Server.Sessions.Keeping;

namespace LoupeGrpc.Server.Sessions;

/// <summary>
/// A session from its opening to its end. It is served by one call at a time; where it is resumable it outlives a broken one, finishes the frames it has,
/// and waits for the next within its resume window. Its states and their changes stand in <see cref="SessionLifecycle"/>, what it does with frames in
/// <see cref="SessionWork"/>, how a call serves it in <see cref="SessionCall"/>. Thread-safe.
/// </summary>
internal sealed class AnalyzeSession : IDisposable
{
    /// <summary>With FRESHEST the reader goes on while nothing is answered; only a client that reads nothing at all is slowed down.</summary>
    private const int FreshestCredits = 64;

    private readonly SessionJournal _journal;
    private readonly Action<AnalyzeSession> _ended;
    private readonly SessionLifecycle _lifecycle = new();
    private readonly ResumeWindow _window;
    private readonly SessionEnding _ending;
    private readonly Lock _lock = new();
    private ReadOnlyMemory<byte> _snapshot;
    private SessionCall? _call;
    private CancellationTokenRegistration _revocation;

    /// <param name="lease">Where its frames are analysed. The session's from now on.</param>
    /// <param name="snapshot">Adaptation state to begin with; empty: the model's own parameters.</param>
    /// <param name="ended">Called once, when nothing of the session is left.</param>
    /// <param name="stored">What another server left of it; null: it begins here.</param>
    public AnalyzeSession(
        string id,
        SessionOpening opening,
        ModelLease lease,
        ReadOnlyMemory<byte> snapshot,
        SessionServices services,
        Action<AnalyzeSession> ended,
        StoredSession? stored = null)
    {
        Id = id;
        Peer = string.Empty;
        OpenedAt = stored?.Record.Facts.OpenedAt ?? services.Time.GetUtcNow();
        Credits = services.Options.Limits.Credits * (opening.Delivery == Delivery.Freshest ? FreshestCredits : 1);
        Token = stored is not null ? new ResumeToken(stored.Token.Span) : opening.Resumable ? new ResumeToken() : null;
        Opening = opening;
        _snapshot = snapshot;
        _journal = new SessionJournal(services, this);
        _ended = ended;
        var keeper = Token is null ? null : services.Keeping.KeeperOf(id, Token.Digest, stored?.Fence ?? SessionKeeper.FirstFence, EndFencedOut);
        Work = new SessionWork(id, opening, lease, Credits, services, keeper, progress => SessionFacts.Of(this, progress), stored);
        _ending = new SessionEnding(Work);
        _window = new ResumeWindow(services.Time, services.Options.Sessions.ResumeWindow, number => TryDrop(SessionEnd.NotResumed, number));
    }

    /// <summary>A session that another server left: without a connection until one is attached.</summary>
    public static AnalyzeSession Restore(SessionOpening opening, ModelLease lease, StoredSession stored, SessionServices services, Action<AnalyzeSession> ended)
    {
        var session = new AnalyzeSession(stored.Record.Facts.Id, opening, lease, default, services, ended, stored);
        session.GoOn(stored);
        return session;
    }

    /// <summary>The server's name of the session. Not a secret.</summary>
    public string Id { get; }

    /// <summary>The client's name of the session.</summary>
    public string Name => Opening.Name;

    /// <summary>The client's program, as it says.</summary>
    public string Client => Opening.Client;

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
                return _window.Since;
            }
        }
    }

    /// <summary>Frames and commands that may be without an answer at a time.</summary>
    public int Credits { get; }

    /// <summary>Null where the session ends with its call.</summary>
    public ResumeToken? Token { get; }

    public bool Resumable => Token is not null;

    public SessionOpening Opening { get; }

    public SessionWork Work { get; }

    /// <summary>Null: the session is not kept outside this server.</summary>
    public SessionCheckpoints? Checkpoints => Work.Checkpoints;

    /// <summary>Whether nothing was ever sent behind the opening.</summary>
    public bool IsUnused => Work.TakenIn is { NextSequence: 0, Commands: 0 };

    /// <inheritdoc cref="OutcomeSequencer.Count"/>
    public FrameCounts Count() => Work.Count();

    /// <summary>How the session was told to end from outside; null while it was not.</summary>
    public SessionEnd? End => _ending.End;

    /// <summary>The session was told to end, and every frame taken in has its outcome.</summary>
    public CancellationToken StopReading => _ending.StopReading;

    /// <summary>Gives the session to a call, in the place of any other. False, and nothing changes, where that cannot be.</summary>
    /// <param name="received">Responses that the call's client has.</param>
    /// <param name="refusal">Why the claim is wrong; null where the session is over.</param>
    public bool TryAttach(SessionCall call, ulong received, out CallFailure? refusal)
    {
        lock (_lock)
        {
            refusal = null;
            if (_lifecycle.State == SessionState.Ended || (refusal = Work.Outbox.Attach(call, received)) is not null)
            {
                return false;
            }

            call.Resumes = _lifecycle.State != SessionState.Opened;
            if (_call is not null)
            {
                call.Follow(_call);
                _call.BeginLeave();
                _journal.TakenOver(call.Peer, received);
            }
            else if (_lifecycle.State == SessionState.Parked)
            {
                _journal.Resumed(call.Peer, received);
            }

            _window.Close();
            if (_lifecycle.State != SessionState.Ending)
            {
                _lifecycle.Move(SessionState.Serving);
            }

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
            if (!call.Resumes)
            {
                Begin();
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
    public SessionGrant Grant(SessionCall call) => new(
        Id,
        Credits,
        Work.Model,
        Work.Execution,
        Opening,
        Work.Settings,
        Work.Adaptation,
        call.Resumes ? Work.MissingAdaptation : [.. Opening.Missing, .. Work.MissingAdaptation],
        Token,
        Token is null ? null : _window.Length,
        call.Resumes ? Work.TakenIn : null);

    /// <summary>
    /// Ends the session from outside, once; later calls do nothing. The client is told, frames that come are dropped, those taken in get
    /// their outcomes. Without a call it is dropped at once.
    /// </summary>
    /// <param name="patience">How long frames taken in may still be analysed; then they are dropped.</param>
    public void BeginEnd(SessionEnd end, SessionNotice notice, TimeSpan patience)
    {
        lock (_lock)
        {
            if (End is null && _lifecycle.State != SessionState.Parked && _lifecycle.TryMove(SessionState.Ending))
            {
                _ending.Begin(end, notice, patience);
                return;
            }
        }

        TryDrop(end);
    }

    /// <summary>
    /// Ends the session when what its client came in with is not taken any more, also while it waits to be resumed: frames that wait are dropped. What the client of
    /// an earlier call came in with does not count any more.
    /// </summary>
    public void EndWhenRevoked(CancellationToken revoked)
    {
        var next = revoked.UnsafeRegister(static session => ((AnalyzeSession)session!).EndRevoked(), this);
        lock (_lock)
        {
            // A key is taken for years, and must not remember each session that came with it: one that has ended takes none, and gives back its own.
            if (_lifecycle.State != SessionState.Ended)
            {
                (next, _revocation) = (_revocation, next);
            }
        }

        next.Unregister();
    }

    /// <summary>
    /// Ends the session here so that it can be resumed at another server: nothing more is read, frames taken in get their outcomes as far as there is time, and all of
    /// it goes to the store before the client is told.
    /// </summary>
    /// <param name="patience">How long frames taken in may still be analysed here; in the end those in the engine only.</param>
    /// <returns>False: it cannot be resumed elsewhere, and nothing was done.</returns>
    public bool TryHandOver(TimeSpan patience)
    {
        if (Checkpoints is not { IsUp: true })
        {
            return false;
        }

        lock (_lock)
        {
            if (_lifecycle.State == SessionState.Parked)
            {
                _ = DropWhenDecidedAsync(patience);
                return true;
            }

            if (End is not null || !_lifecycle.TryMove(SessionState.Ending))
            {
                return false;
            }

            _ending.BeginHandOver(patience);
            return true;
        }
    }

    /// <summary>Brings the session to the store as it is now. When it is to be handed over, and every frame has its outcome.</summary>
    /// <returns>Whether it is there.</returns>
    public Task<bool> KeepAsync() => _ending.KeepAsync();

    /// <summary>Ends the session at once, if it is parked.</summary>
    public bool TryDrop(SessionEnd end) => TryDrop(end, null);

    /// <summary>For a session that no call began to serve; the others do so by themselves.</summary>
    public void Dispose()
    {
        _revocation.Unregister();
        _window.Dispose();
        _ending.Dispose();
        Work.Dispose();
    }

    private void Begin()
    {
        _journal.Opened();
        Work.Begin(_snapshot);
        _snapshot = default;
    }

    private void GoOn(StoredSession stored)
    {
        _journal.Restored(stored);
        Work.GoOn(stored);
        lock (_lock)
        {
            _lifecycle.Move(SessionState.Parked);
            _window.Open();
        }
    }

    private void EndRevoked() =>
        BeginEnd(SessionEnd.Revoked, new SessionNotice(NoticeKind.Terminated, SessionEnd.Revoked.Failure!.Message), TimeSpan.Zero);

    private void EndFencedOut() =>
        BeginEnd(SessionEnd.FencedOut, new SessionNotice(NoticeKind.Terminated, SessionEnd.FencedOut.Failure!.Message), TimeSpan.Zero);

    /// <summary>Of a parked session, whose frames may still be in the engine.</summary>
    private async Task DropWhenDecidedAsync(TimeSpan patience)
    {
        await Work.LeaveWithinAsync(patience).ConfigureAwait(false);
        await KeepAsync().ConfigureAwait(false);
        TryDrop(SessionEnd.HandedOver);
    }

    /// <summary>The call does not serve the session any more: the session is parked or at its end, or another call has it.</summary>
    private async Task<SessionEnd> DetachAsync(SessionCall call, SessionEnd end)
    {
        bool wasParked;
        lock (_lock)
        {
            if (_call != call)
            {
                return SessionEnd.TakenOver;
            }

            _call = null;
            if (end == SessionEnd.Vanished && Resumable && _lifecycle.TryMove(SessionState.Parked))
            {
                _journal.Parked(_window.Length);
                _window.Open();
                _ = _ending.KeepParkedAsync();
                return end;
            }

            wasParked = Close();
        }

        await FinishAsync(end, wasParked).ConfigureAwait(false);
        return end;
    }

    /// <param name="window">Only where the session waits within this one; null: within any.</param>
    private bool TryDrop(SessionEnd end, int? window)
    {
        bool wasParked;
        lock (_lock)
        {
            if (_lifecycle.State != SessionState.Parked || (window is { } number && !_window.IsOpen(number)))
            {
                return false;
            }

            wasParked = Close();
        }

        _ = FinishAsync(end, wasParked);
        return true;
    }

    /// <summary>To the last state, within the lock.</summary>
    /// <returns>Whether it was parked.</returns>
    private bool Close()
    {
        var wasParked = _lifecycle.State == SessionState.Parked;
        _lifecycle.Move(SessionState.Ended);
        return wasParked;
    }

    /// <summary>Once, after <see cref="Close"/>. Does not throw: nobody may be there to hear it.</summary>
    private async Task FinishAsync(SessionEnd end, bool wasParked)
    {
        try
        {
            await _ending.FinishAsync(end).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // Whatever went wrong, the session leaves the registry and gives back what it holds.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            _journal.EndFailed(exception);
        }

        _journal.Ended(end, wasParked);
        Dispose();
        _ended(this);
    }
}
