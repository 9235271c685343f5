using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.Server.Sessions.Keeping;

namespace LoupeGrpc.Server.Sessions.Adaptation;

/// <summary>
/// The adaptation of one session: off until it is asked for, and within the server's budget, which may evict its state at any time. One frame or one
/// command has the state at a time; what is evicted meanwhile goes when that is done.
/// </summary>
/// <param name="create">Begins at the parameters of the session's model.</param>
internal sealed class SessionAdaptation(
    Func<AdaptationSettings, AdaptationSession> create, AdaptationBudget budget, SessionOpening opening, OutcomeSequencer sequencer, Action evicted) : IDisposable
{
    private readonly Lock _lock = new();
    private AdaptationSession? _session;
    private StateShare? _share;
    private bool _inUse;
    private bool _evictLater;
    private bool _wasEvicted;
    private ulong _nextSequence;
    private AdaptationReport? _state;

    /// <summary>Whether the session adapts now.</summary>
    public bool IsOn
    {
        get
        {
            lock (_lock)
            {
                return _session is not null;
            }
        }
    }

    /// <summary>After the last frame or command that is done; null while the session does not adapt.</summary>
    public AdaptationReport? State
    {
        get
        {
            lock (_lock)
            {
                return _state;
            }
        }
    }

    /// <summary>Takes the state for a frame, for which <see cref="Leave"/> must be called. Null, and nothing is to be done, where there is none.</summary>
    public AdaptationSession? Enter(ulong sequence)
    {
        lock (_lock)
        {
            _nextSequence = sequence + 1;
            _inUse = _session is not null;
            Touch();
            return _session;
        }
    }

    /// <summary>Takes the state, or its absence, for a command. No frame of the session may be in the engine where it adapts.</summary>
    public void Enter()
    {
        lock (_lock)
        {
            _inUse = true;
            Touch();
        }
    }

    /// <param name="look">Whether the state may be looked at. Not where the engine may still be at it: then it never comes to rest again, and is never copied.</param>
    /// <returns>What is to be told behind what was done, if anything.</returns>
    public SessionNotice? Leave(bool look = true)
    {
        lock (_lock)
        {
            _inUse = !look;
            _state = look ? _session?.Report() : _state;
            return _evictLater ? Forget() : null;
        }
    }

    /// <summary>Begins as the session was opened, once.</summary>
    /// <param name="settings">Null: without adaptation.</param>
    /// <param name="snapshot">Empty: from the model's own parameters.</param>
    /// <returns>What of it the session does not have, and why.</returns>
    public IEnumerable<MissingFeature> Open(AdaptationSettings? settings, ReadOnlyMemory<byte> snapshot)
    {
        var problem = settings is null ? null : Enable(settings);
        if (problem is not null)
        {
            yield return new MissingFeature("adaptation", problem.Message);
        }

        if (snapshot.IsEmpty)
        {
            yield break;
        }

        if (_session is null)
        {
            yield return new MissingFeature("adaptation_snapshot", "the session does not adapt");
        }
        else if (!_session.TryRestore(snapshot.Span, out var error))
        {
            yield return new MissingFeature("adaptation_snapshot", error);
        }
    }

    /// <summary>Goes on where another server's ended, once.</summary>
    /// <param name="settings">Null: without adaptation.</param>
    /// <returns>What of it the session does not have, and why.</returns>
    public IEnumerable<MissingFeature> GoOn(AdaptationSettings? settings, ReadOnlyMemory<byte> checkpoint)
    {
        if (settings is null)
        {
            yield break;
        }

        if (Enable(settings) is { } problem)
        {
            yield return new MissingFeature("adaptation", problem.Message);
        }
        else if (!_session!.TryGoOn(checkpoint, out var error))
        {
            yield return new MissingFeature("adaptation", $"it begins anew: {error}");
        }
    }

    /// <summary>Copies the state, where there is one.</summary>
    /// <param name="whole">With the states to roll back to.</param>
    /// <param name="copy">Null: the session does not adapt.</param>
    /// <returns>False: a frame or a command has it now.</returns>
    public bool TryCopy(bool whole, out AdaptationCopy? copy)
    {
        lock (_lock)
        {
            copy = _session is null || _inUse ? null : AdaptationCopy.Of(_session, whole);
            return !_inUse;
        }
    }

    /// <summary>The state as it is now. After <see cref="Enter()"/>.</summary>
    public AdaptationReport? Describe() => _session?.Report();

    /// <summary>Carries a command out, or says why not and leaves everything as it was. After <see cref="Enter()"/>.</summary>
    /// <param name="maxSnapshotBytes">Bytes of a snapshot that the answer has room for.</param>
    /// <param name="snapshot">Empty where none was asked for.</param>
    public FrameFailure? Apply(SessionCommand command, int maxSnapshotBytes, out ReadOnlyMemory<byte> snapshot)
    {
        snapshot = default;
        if (command is SessionCommand.SetAdaptation set)
        {
            return Configure(set.Settings);
        }

        if (_session is null)
        {
            return Invalid(_wasEvicted
                ? "the session does not adapt any more: its state was evicted; send set_adaptation to begin anew"
                : "the session does not adapt: open it with adaptation.enabled, or send set_adaptation");
        }

        switch (command)
        {
            case SessionCommand.Freeze:
                _session.Freeze();
                return null;
            case SessionCommand.Resume:
                _session.Resume();
                return null;
            case SessionCommand.Reset:
                _session.Reset();
                return null;
            case SessionCommand.Snapshot:
                return TakeSnapshot(_session, maxSnapshotBytes, out snapshot);
            case SessionCommand.RollBack { Step: { } step }:
                return _session.TryRollBack(step, out var noStep) ? null : Invalid(noStep);
            case SessionCommand.RollBack:
                return _session.TryRollBackToSnapshot(out var noSnapshot) ? null : Invalid(noSnapshot);
            default:
                throw new ArgumentOutOfRangeException(nameof(command), command, "Not a command on adaptation.");
        }
    }

    public void Dispose()
    {
        if (_share is { } share)
        {
            budget.Return(share);
        }
    }

    private static FrameFailure? TakeSnapshot(AdaptationSession session, int maxBytes, out ReadOnlyMemory<byte> snapshot)
    {
        snapshot = session.Snapshot();
        if (snapshot.Length <= maxBytes)
        {
            return null;
        }

        var bytes = snapshot.Length;
        snapshot = default;
        return new FrameFailure(
            FailureKind.TooLarge,
            $"the snapshot has {bytes} bytes, and a response of this session has room for {maxBytes}: open it with a larger max_response_bytes "
                + "(the server allows Loupe:Limits:MaxResponseBytes)");
    }

    private FrameFailure? Configure(AdaptationSettings settings)
    {
        if (_session is null)
        {
            return Enable(settings);
        }

        return _session.TryConfigure(settings, out var error) ? null : Invalid(error);
    }

    private FrameFailure? Enable(AdaptationSettings settings)
    {
        var session = create(settings);
        var share = new StateShare(session.MaxSizeInBytes, Evict) { Owner = opening.Owner, OwnersMost = opening.Quota.AdaptationStates };
        lock (_lock)
        {
            // Before it is taken: from then on it may be evicted.
            _share = share;
        }

        var taken = budget.TryTake(share);
        lock (_lock)
        {
            (_session, _share) = taken ? (session, share) : (null, null);
            _wasEvicted &= !taken;
        }

        return taken
            ? null
            : new FrameFailure(
                FailureKind.Overloaded,
                $"an adaptation state takes {share.Bytes} bytes, all of them together may take {budget.Limit}: Loupe:Adaptation:MaxStateBytes");
    }

    private void Evict(StateShare share)
    {
        SessionNotice notice;
        lock (_lock)
        {
            // The state may be gone since, or be another one.
            if (_share != share)
            {
                return;
            }

            _evictLater = _inUse;
            if (_inUse)
            {
                return;
            }

            notice = Forget();
        }

        sequencer.Notify(notice);
    }

    private SessionNotice Forget()
    {
        (_session, _share, _state, _evictLater, _wasEvicted) = (null, null, null, false, true);
        evicted();
        return new SessionNotice(
            NoticeKind.AdaptationEvicted,
            "other sessions needed the memory of the adaptation state (Loupe:Adaptation:MaxStateBytes, Loupe:Quotas:AdaptationStates): set_adaptation begins anew",
            _nextSequence);
    }

    private void Touch()
    {
        if (_share is { } share)
        {
            budget.Touch(share);
        }
    }

    private static FrameFailure Invalid(string message) => new(FailureKind.Invalid, message);
}
