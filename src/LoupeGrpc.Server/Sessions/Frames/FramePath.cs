using System.Diagnostics;
using System.Runtime.CompilerServices;
using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.Engine.Queueing;
using LoupeGrpc.Engine.Tiling;
using LoupeGrpc.Execution;
using LoupeGrpc.Server.Models;
using LoupeGrpc.Server.Sessions.Adaptation;
using LoupeGrpc.Server.Sessions.Keeping;
using LoupeGrpc.Server.Sessions.Temporal;

namespace LoupeGrpc.Server.Sessions.Frames;

/// <summary>
/// The way of a session's frames, in the order of this file: taken in and numbered, charged for their bytes, queued by the scheduler, let into the engine
/// one by one or some at a time, and decided. <see cref="OutcomeSequencer"/> then gives their outcomes to the client in order. What happens inside the engine
/// stands in its <c>FramePipeline</c>. Frames come from one thread, the session's reader.
/// </summary>
internal sealed class FramePath : IDisposable
{
    private static readonly FrameFailure FaultOfOurs = new(FailureKind.Internal, "The server failed on this frame; its log has the reason.");

    private readonly SessionServices _services;
    private readonly SessionOpening _opening;
    private readonly OutcomeSequencer _sequencer;
    private readonly SessionAdaptation _adaptation;
    private readonly ModelLease _lease;
    private readonly IAnalysisLane _lane;
    private readonly FrameFlow _flow;
    private readonly SessionEconomies _economies;
    private readonly SessionCheckpoints? _checkpoints;
    private readonly Room _bytes;
    private readonly Room _sessionBytes;
    private readonly TileWindow? _tileWindow;
    private readonly ActivityContext _call = FrameSpan.CurrentCall;
    private readonly CancellationToken _abandoned;
    private readonly CancellationTokenSource _stopWaiting;
    private volatile bool _leaves;

    /// <param name="lease">The path's, which gives it back at its end.</param>
    /// <param name="checkpoints">Null: the session is not kept elsewhere.</param>
    /// <param name="abandoned">Canceled when nobody waits for the frames any more: those in the engine are canceled, all others dropped.</param>
    public FramePath(
        SessionServices services,
        SessionOpening opening,
        ModelLease lease,
        OutcomeSequencer sequencer,
        SessionAdaptation adaptation,
        SessionOutbox outbox,
        SessionCheckpoints? checkpoints,
        CancellationToken abandoned)
    {
        _checkpoints = checkpoints;
        _services = services;
        _opening = opening;
        _sequencer = sequencer;
        _adaptation = adaptation;
        _abandoned = abandoned;
        _stopWaiting = CancellationTokenSource.CreateLinkedTokenSource(abandoned);
        (_lease, _lane) = (lease, lease.Lane);
        _economies = new SessionEconomies(opening.Economies);
        PaidAhead = IsSlowed && opening.Quota is { Pace: not null } or { Rooms: not null } ? new PaidAhead(opening.Quota.Pace, opening.Quota.Rooms?.Receiving) : null;
        _bytes = opening.Quota.Frames ?? services.Ledger.Frames;
        _sessionBytes = new Room(RoomSize.OfBytes(services.Options.Limits.MaxSessionBytes), _bytes);
        _tileWindow = opening.Analysis.Tiles.PerFrame > 0
            ? new TileWindow(services.Ledger.CreateTileRoom(), new WindowScenes(opening.Analysis.Temporal?.CutChange ?? services.Options.Temporal.CutChange))
            : null;
        var onlyFreshest = opening.Delivery == Delivery.Freshest;
        var concurrency = services.Options.Limits.SessionConcurrency;
        // A second one of FRESHEST would grow old in the engine; of a session that adapts, or of which each frame shows some tiles, the engine takes the next when the one
        // before has left it.
        _flow = new FrameFlow(
            lease.Load, new FlowPolicy(onlyFreshest, opening.StalenessBudget), () => outbox.IsHeld ? 0 : onlyFreshest || adaptation.IsOn || _tileWindow is not null ? 1 : concurrency);
    }

    /// <summary>What the next frame runs on.</summary>
    public ExecutionDescription Execution => _lane.Execution;

    /// <summary>What is paid of the owner's pace before a frame is received; null: nobody waits for it.</summary>
    public PaidAhead? PaidAhead { get; }

    /// <summary>Whether it is the client that waits where its owner has no more. Otherwise frames go without.</summary>
    private bool IsSlowed => _opening is { Delivery: Delivery.EveryFrame, CanBeSlowed: true };

    /// <summary>From receipt to the queue. Waits for room for the frame's bytes, where each frame is answered.</summary>
    /// <param name="settings">Of this frame.</param>
    /// <param name="receivedAt">Timestamp.</param>
    public async ValueTask TakeAsync(IncomingFrame incoming, AnalysisSettings settings, long receivedAt)
    {
        var frame = new SessionFrame
        {
            FrameId = incoming.FrameId,
            CaptureTime = incoming.CaptureTime,
            ReceivedAt = receivedAt,
            Deadline = incoming.Deadline,
            Settings = settings,
            Input = incoming.Input,
            Span = _services.Traces.Begin(_call),
        };
        frame.Span?.Tag("loupe.frame_id", (long)incoming.FrameId);
        if (!_sequencer.Add(frame))
        {
            Drop(frame, DropCause.SessionEnded);
        }
        else if (incoming.Failure is not null)
        {
            Fail(frame, incoming.Failure);
        }
        else if (await EnterAsync(frame).ConfigureAwait(false) is { } queued)
        {
            _services.Scheduler.Enqueue(_flow, queued);
        }
    }

    /// <summary>Drops what waits, now and later.</summary>
    public void Abandon() => _services.Scheduler.Abandon(_flow);

    /// <summary>
    /// Leaves what waits, now and later, to the server that goes on with the session; what is in the engine gets its outcome here. Only of sessions whose outcomes
    /// have an order.
    /// </summary>
    public void Leave()
    {
        _leaves = true;
        _stopWaiting.Cancel();
        Abandon();
    }

    /// <summary>The session goes on nowhere: what was left has its outcome here.</summary>
    public void DropLeft()
    {
        _leaves = false;
        foreach (var frame in _sequencer.TakeBack())
        {
            Drop(frame, DropCause.SessionEnded);
        }
    }

    /// <summary>When every frame has its outcome.</summary>
    public void Dispose()
    {
        _stopWaiting.Dispose();
        _tileWindow?.Dispose();
        _lease.Dispose();
    }

    /// <returns>Null: the frame has its outcome.</returns>
    private async ValueTask<Queued?> EnterAsync(SessionFrame frame)
    {
        try
        {
            return await KeepPaceAsync(frame).ConfigureAwait(false) && await ChargeAsync(frame).ConfigureAwait(false)
                ? new Queued(this, frame) { ReceivedAt = frame.ReceivedAt, Deadline = frame.Deadline, IsHeavy = frame.Input.IsHeavy() }
                : null;
        }
#pragma warning disable CA1031 // One frame's fault must not take the session down, and a session with a frame that has no outcome never ends.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            SessionLog.TakingInThrew(_services.Logger, frame.Sequence, exception);
            Fail(frame, FaultOfOurs);
            return null;
        }
    }

    /// <summary>Where each frame is answered, whoever sends too fast is slowed down: nothing more is read meanwhile.</summary>
    /// <returns>False: the frame has its outcome.</returns>
    private async ValueTask<bool> KeepPaceAsync(SessionFrame frame)
    {
        var bytes = frame.Input.Data.Length;
        if (PaidAhead is not null)
        {
            if (await PaidAhead.TakeAsync(bytes, _stopWaiting.Token).ConfigureAwait(false))
            {
                return true;
            }

            DropOrLeave(frame);
            return false;
        }

        if (_opening.Quota.Pace?.TryTake(bytes) != false)
        {
            return true;
        }

        RefuseOverQuota(frame, ServerBusy.TooManyFrames.Failure);
        return false;
    }

    /// <summary>Of a client that is not slowed down: a frame that may be dropped is, and any other fails with the reason.</summary>
    private void RefuseOverQuota(SessionFrame frame, FrameFailure reason)
    {
        if (_opening.Delivery == Delivery.EveryFrame)
        {
            Fail(frame, reason);
        }
        else
        {
            Drop(frame, DropCause.OverQuota);
        }
    }

    /// <returns>False: the frame has its outcome.</returns>
    private async ValueTask<bool> ChargeAsync(SessionFrame frame)
    {
        var bytes = frame.Input.Data.Length;
        if (!IsSlowed && _opening.Quota.LacksRoomFor(bytes))
        {
            RefuseOverQuota(frame, ServerBusy.NoQuotaLeft);
            return false;
        }

        if (_opening.Delivery == Delivery.Freshest)
        {
            // Never waits. Two of its frames at most hold bytes, so the session's own budget is not asked.
            if (_bytes.TryTake(0, bytes) is { } room)
            {
                frame.Charge(room);
                return true;
            }

            Fail(frame, ServerBusy.NoBytesLeft(_services.Options.Limits));
            return false;
        }

        // The session's own first, then its owner's, then everybody's.
        var (_, lease) = await _sessionBytes.TakeAsync(0, bytes, _stopWaiting.Token).ConfigureAwait(false);
        if (lease is null)
        {
            DropOrLeave(frame);
            return false;
        }

        frame.Charge(lease);
        return true;
    }

    /// <summary>A frame whose turn did not come.</summary>
    private void Refuse(SessionFrame frame, FrameRefusal reason)
    {
        switch (reason)
        {
            case FrameRefusal.Expired:
                Decide(frame, new FrameEnd.Expired(AgeOf(frame), frame.Deadline!.Value));
                break;
            case FrameRefusal.Superseded:
                Drop(frame, DropCause.Superseded);
                break;
            case FrameRefusal.Stale:
                Drop(frame, DropCause.Stale);
                break;
            default:
                DropOrLeave(frame);
                break;
        }
    }

    /// <summary>A frame that this server does not analyse, since the session ends here.</summary>
    private void DropOrLeave(SessionFrame frame)
    {
        if (_leaves)
        {
            _sequencer.Leave(frame);
        }
        else
        {
            Drop(frame, DropCause.SessionEnded);
        }
    }

    /// <summary>From the queue through the engine to the outcome. What decides the order of a session's frames happens before the first await.</summary>
    private async Task<AnalysisOutcome> AnalyzeAsync(SessionFrame frame)
    {
        FollowLadder(frame);
        var state = _adaptation.Enter(frame.Sequence);
        var learning = state?.Settings;
        var outcome = await AskEngineAsync(frame, state).ConfigureAwait(false);
        // Abandoned, the frame may still be inside the engine.
        var isOut = !_abandoned.IsCancellationRequested;
        var checkpoint = isOut ? _checkpoints?.AfterFrame(state) : null;
        var eviction = state is null ? null : _adaptation.Leave(look: isOut);
        Decide(frame, EndOf(frame, outcome, learning), EventsOf(frame, outcome, eviction), eviction is null ? checkpoint : null);
        return outcome;
    }

    /// <summary>A session goes to a better provider between two frames, and is told before the first that ran there.</summary>
    private void FollowLadder(SessionFrame frame)
    {
        var before = _lane.Execution;
        if (_lane.TryMove())
        {
            var now = _lane.Execution;
            _sequencer.InsertBefore(frame, new SessionNotice(
                NoticeKind.ProviderChanged,
                $"{now.Provider} in {now.Precision} runs the model from now on, before it was {before.Provider} in {before.Precision}",
                frame.Sequence,
                Execution: now));
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<AnalysisOutcome> AskEngineAsync(SessionFrame frame, AdaptationSession? state)
    {
        try
        {
            var request = frame.Settings.ToRequest(frame.ReceivedAt, Earlier(frame.Deadline, _opening.StalenessBudget), frame.Span, state, _flow.Policy.IsUrgent, _economies.Current, _tileWindow);
            return await _lane.AnalyzeAsync(frame.Input, request, _abandoned).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // One frame's fault must not take the session down, whatever it is.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            // It has not said that it is done with the bytes.
            frame.KeepBytes();
            SessionLog.AnalysisThrew(_services.Logger, frame.Sequence, exception);
            return FaultOfOurs;
        }
    }

    /// <param name="learning">How the session learnt from it; null: it does not.</param>
    private FrameEnd EndOf(SessionFrame frame, AnalysisOutcome outcome, AdaptationSettings? learning)
    {
        var age = AgeOf(frame);
        if (age >= frame.Deadline && (outcome.Succeeded || outcome.Failure.Kind == FailureKind.Expired))
        {
            return new FrameEnd.Expired(age, frame.Deadline.Value);
        }

        if (outcome.Succeeded)
        {
            return new FrameEnd.Analysed(outcome.Analysis, frame.Settings, learning);
        }

        return outcome.Failure.Kind switch
        {
            FailureKind.Expired => new FrameEnd.Dropped(DropCause.Stale, age),
            FailureKind.Canceled when _abandoned.IsCancellationRequested => new FrameEnd.Dropped(DropCause.SessionEnded, age),
            _ => new FrameEnd.Failed(outcome.Failure),
        };
    }

    private static IEnumerable<SessionNotice> EventsOf(SessionFrame frame, AnalysisOutcome outcome, SessionNotice? eviction)
    {
        var guard = outcome.Succeeded ? outcome.Analysis.GuardEvents : [];
        var events = guard.Select(notice => SessionNotice.Of(notice, frame.Sequence + 1));
        return eviction is null ? events : events.Append(eviction);
    }

    private void Drop(SessionFrame frame, DropCause cause) => Decide(frame, new FrameEnd.Dropped(cause, AgeOf(frame)));

    private void Fail(SessionFrame frame, FrameFailure failure) => Decide(frame, new FrameEnd.Failed(failure));

    private void Decide(SessionFrame frame, FrameEnd end, IEnumerable<SessionNotice>? events = null, Action<SessionProgress>? checkpoint = null)
    {
        _economies.Note(end);
        _sequencer.Decide(frame, end, checkpoint, events ?? []);
    }

    private TimeSpan AgeOf(SessionFrame frame) => _services.Time.GetElapsedTime(frame.ReceivedAt);

    private static TimeSpan? Earlier(TimeSpan? a, TimeSpan? b) => a < b || b is null ? a : b;

    /// <summary>A frame of the session before the scheduler.</summary>
    private sealed class Queued(FramePath path, SessionFrame frame) : QueuedFrame
    {
        public override async Task AnalyzeAsync()
        {
            var outcome = await path.AnalyzeAsync(frame).ConfigureAwait(false);
            EngineTime = outcome.Analysis?.Timings.Computing.TotalSeconds;
            WasTooOld = outcome.Failure?.Kind == FailureKind.Expired;
        }

        public override void Refuse(FrameRefusal reason) => path.Refuse(frame, reason);
    }
}
