using Google.Protobuf;
using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.Server.Contract;
using LoupeGrpc.V1;
using EngineSettings = LoupeGrpc.Engine.Adaptation.AdaptationSettings;

namespace LoupeGrpc.Server.Streaming;

/// <summary>
/// The adaptation of one session: off until it is asked for, and within the server's budget, which may evict its state at any time. One frame or one
/// control has the state at a time; what is evicted meanwhile goes when that is done.
/// </summary>
internal sealed class SessionAdaptation(IFrameAnalyzer analyzer, AdaptationBudget budget, OutcomeSequencer sequencer, Action evicted) : IDisposable
{
    private readonly Lock _lock = new();
    private AdaptationSession? _session;
    private StateShare? _share;
    private bool _inUse;
    private bool _evictLater;
    private bool _wasEvicted;
    private ulong _nextSequence;
    private AdaptationState? _state;

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

    /// <summary>After the last frame or control that is done; null while the session does not adapt.</summary>
    public AdaptationState? State
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

    /// <summary>Takes the state, or its absence, for a control. No frame of the session may be in the engine where it adapts.</summary>
    public void Enter()
    {
        lock (_lock)
        {
            _inUse = true;
            Touch();
        }
    }

    /// <param name="look">Whether the state may be looked at.</param>
    /// <returns>What is to be told behind what was done, if anything.</returns>
    public SessionEvent? Leave(bool look = true)
    {
        lock (_lock)
        {
            _inUse = false;
            _state = look ? _session?.Report().ToMessage() : _state;
            if (!_evictLater)
            {
                return null;
            }

            return Forget();
        }
    }

    /// <summary>Begins as the session was opened, once.</summary>
    /// <param name="settings">Null: without adaptation.</param>
    /// <param name="snapshot">Empty: from the model's own parameters.</param>
    /// <returns>What of it the session does not have, and why.</returns>
    public IEnumerable<Unavailable> Open(EngineSettings? settings, ByteString snapshot)
    {
        var problem = settings is null ? null : Enable(settings);
        if (problem is not null)
        {
            yield return new Unavailable { Feature = "adaptation", Reason = problem.Message };
        }

        if (snapshot.IsEmpty)
        {
            yield break;
        }

        if (_session is null)
        {
            yield return new Unavailable { Feature = "adaptation_snapshot", Reason = "the session does not adapt" };
        }
        else if (!_session.TryRestore(snapshot.Span, out var mistake))
        {
            yield return new Unavailable { Feature = "adaptation_snapshot", Reason = mistake };
        }
    }

    /// <summary>The state as it is now. After <see cref="Enter()"/>.</summary>
    public AdaptationState? Describe() => _session?.Report().ToMessage();

    /// <summary>Carries a control out, or says why not and leaves everything as it was. After <see cref="Enter()"/>.</summary>
    /// <param name="reply">Gets the snapshot that was asked for.</param>
    public FrameFailure? Obey(Control control, ControlReply reply)
    {
        if (control.ActionCase == Control.ActionOneofCase.SetAdaptation)
        {
            return Configure(control.SetAdaptation.Settings ?? new V1.AdaptationSettings());
        }

        if (_session is null)
        {
            return Invalid(_wasEvicted
                ? "the session does not adapt any more: its state was evicted; send set_adaptation to begin anew"
                : "the session does not adapt: open it with adaptation.enabled, or send set_adaptation");
        }

        string? problem = null;
        switch (control.ActionCase)
        {
            case Control.ActionOneofCase.FreezeAdaptation:
                _session.Freeze();
                break;
            case Control.ActionOneofCase.ResumeAdaptation:
                _session.Resume();
                break;
            case Control.ActionOneofCase.ResetAdaptation:
                _session.Reset();
                break;
            case Control.ActionOneofCase.SnapshotAdaptation:
                reply.Snapshot = UnsafeByteOperations.UnsafeWrap(_session.Snapshot());
                break;
            default:
                RollBack(control.RollbackAdaptation, out problem);
                break;
        }

        return problem is null ? null : Invalid(problem);
    }

    public void Dispose()
    {
        if (_share is { } share)
        {
            budget.Return(share);
        }
    }

    private FrameFailure? Configure(V1.AdaptationSettings message)
    {
        if (!message.Enabled)
        {
            return Invalid("set_adaptation needs enabled: freeze_adaptation stops adapting, reset_adaptation goes back to the model's own parameters");
        }

        var settings = message.ToSettings(out var mistake);
        if (settings is null)
        {
            return Invalid(mistake!);
        }

        if (_session is null)
        {
            return Enable(settings);
        }

        return _session.TryConfigure(settings, out mistake) ? null : Invalid(mistake);
    }

    private FrameFailure? Enable(EngineSettings settings)
    {
        var session = analyzer.CreateAdaptation(settings);
        var share = new StateShare(session.MaxSizeInBytes, Evict);
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
        SessionEvent notice;
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

        sequencer.Tell(notice);
    }

    private SessionEvent Forget()
    {
        (_session, _share, _state, _evictLater, _wasEvicted) = (null, null, null, false, true);
        evicted();
        return new SessionEvent
        {
            Kind = SessionEventKind.AdaptationEvicted,
            Message = "other sessions needed the memory of the adaptation state (Loupe:Adaptation:MaxStateBytes): set_adaptation begins anew",
            Sequence = _nextSequence,
        };
    }

    private void Touch()
    {
        if (_share is { } share)
        {
            budget.Touch(share);
        }
    }

    private void RollBack(RollbackAdaptation rollback, out string? problem)
    {
        switch (rollback.TargetCase)
        {
            case RollbackAdaptation.TargetOneofCase.Step:
                _ = _session!.TryRollBack((long)Math.Min(rollback.Step, long.MaxValue), out problem);
                break;
            case RollbackAdaptation.TargetOneofCase.LastSnapshot when rollback.LastSnapshot:
                _ = _session!.TryRollBackToSnapshot(out problem);
                break;
            default:
                problem = "rollback_adaptation needs a step, or last_snapshot set to true";
                break;
        }
    }

    private static FrameFailure Invalid(string message) => new(FailureKind.Invalid, message);
}
