using System.Diagnostics;
using System.Threading.Channels;
using Google.Protobuf.WellKnownTypes;
using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.Server.Contract;
using LoupeGrpc.V1;

namespace LoupeGrpc.Server.Streaming;

/// <summary>
/// Lets a session's frames into the engine, as its delivery policy says, and decides their outcomes: a few at a time, one by one while the session
/// adapts, since each frame meets the state that the one before it left. Frames come from one thread.
/// </summary>
internal sealed class FrameDispatcher : IDisposable
{
    private readonly IAnalysisLane _lane;
    private readonly OutcomeSequencer _sequencer;
    private readonly SessionAdaptation _adaptation;
    private readonly TimeSpan? _stalenessBudget;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Channel<SessionFrame> _waiting;
    private readonly SemaphoreSlim _turns;

    /// <param name="maxWaiting">Frames that may wait, where each one is answered.</param>
    public FrameDispatcher(
        SessionServices services, OutcomeSequencer sequencer, SessionAdaptation adaptation, SessionRequest session, int maxWaiting)
    {
        _lane = services.Analyzer.OpenLane(session.Analysis.Deterministic);
        _sequencer = sequencer;
        _adaptation = adaptation;
        _stalenessBudget = session.StalenessBudget;
        _time = services.Time;
        _logger = services.Logger;
        var freshest = session.Delivery == DeliveryMode.Freshest;
        // With FRESHEST a second frame inside the engine would grow old in there.
        _turns = new SemaphoreSlim(freshest ? 1 : services.Options.Limits.SessionConcurrency);
        _waiting = freshest
            ? Channel.CreateBounded<SessionFrame>(
                new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true, SingleWriter = true },
                stale => Drop(stale, DropReason.Superseded))
            : Channel.CreateBounded<SessionFrame>(new BoundedChannelOptions(maxWaiting) { SingleReader = true, SingleWriter = true });
    }

    /// <summary>What the next frame runs on.</summary>
    public ExecutionDescription Execution => _lane.Execution;

    /// <summary>Takes a frame of the sequencer's, which gets its outcome from here.</summary>
    public void Accept(SessionFrame frame)
    {
        if (!_waiting.Writer.TryWrite(frame))
        {
            throw new UnreachableException("More frames wait than the session may have in flight.");
        }
    }

    /// <summary>No more frames come.</summary>
    public void Complete() => _waiting.Writer.TryComplete();

    /// <summary>Runs until <see cref="Complete"/> was called and every frame has its outcome.</summary>
    /// <param name="giveUp">The frames left are dropped, and those inside the engine canceled.</param>
    public async Task RunAsync(CancellationToken giveUp)
    {
        while (true)
        {
            // The turn first, the frame then: a fresher one may come while this waits.
            await _turns.WaitAsync(CancellationToken.None).ConfigureAwait(false);
            if (!await _waiting.Reader.WaitToReadAsync(CancellationToken.None).ConfigureAwait(false))
            {
                break;
            }

            if (_waiting.Reader.TryRead(out var frame) && !DecideBeforeTurn(frame, giveUp))
            {
                FollowLadder(frame);
                var state = _adaptation.Enter(frame.Sequence);
                var analysis = AnalyzeAsync(frame, state, giveUp);
                if (state is not null)
                {
                    await analysis.ConfigureAwait(false);
                }
            }
            else
            {
                _turns.Release();
            }
        }

        await _sequencer.WhenDecided().ConfigureAwait(false);
    }

    /// <summary>Call when <see cref="RunAsync"/> has ended.</summary>
    public void Dispose()
    {
        _turns.Dispose();
        _lane.Dispose();
    }

    public void Drop(SessionFrame frame, DropReason reason) => _sequencer.Decide(frame, Dropped(AgeOf(frame), reason));

    public void Fail(SessionFrame frame, FrameFailure failure) =>
        _sequencer.Decide(frame, new FrameOutcome { Failed = failure.ToFailed() });

    private static FrameOutcome Dropped(TimeSpan age, DropReason reason) =>
        new() { Dropped = new Dropped { Reason = reason, Age = Duration.FromTimeSpan(age) } };

    private static FrameOutcome Expired(TimeSpan age, TimeSpan deadline) =>
        new() { Expired = new Expired { Age = Duration.FromTimeSpan(age), Deadline = Duration.FromTimeSpan(deadline) } };

    private TimeSpan AgeOf(SessionFrame frame) => _time.GetElapsedTime(frame.ReceivedAt);

    private bool DecideBeforeTurn(SessionFrame frame, CancellationToken giveUp)
    {
        var age = AgeOf(frame);
        if (giveUp.IsCancellationRequested)
        {
            Drop(frame, DropReason.SessionEnded);
        }
        else if (age >= frame.Deadline)
        {
            _sequencer.Decide(frame, Expired(age, frame.Deadline.Value));
        }
        else if (age >= _stalenessBudget)
        {
            Drop(frame, DropReason.Stale);
        }
        else
        {
            return false;
        }

        return true;
    }

    /// <summary>A session goes to a better provider between two frames, and is told before the first that ran there.</summary>
    private void FollowLadder(SessionFrame frame)
    {
        var before = _lane.Execution;
        if (_lane.TryMove())
        {
            var now = _lane.Execution;
            _sequencer.Precede(frame, new SessionEvent
            {
                Kind = SessionEventKind.ProviderChanged,
                Message = $"{now.Provider} in {now.Precision} runs the model from now on, before it was {before.Provider} in {before.Precision}",
                Sequence = frame.Sequence,
                Execution = now.ToMessage(),
            });
        }
    }

    /// <param name="state">Entered for this frame; null: the model's own parameters.</param>
    private async Task AnalyzeAsync(SessionFrame frame, AdaptationSession? state, CancellationToken giveUp)
    {
        try
        {
            var outcome = await AskEngineAsync(frame, state, giveUp).ConfigureAwait(false);
            // Given up, the frame may still be inside the engine.
            var eviction = state is null ? null : _adaptation.Leave(look: !giveUp.IsCancellationRequested);
            _sequencer.Decide(frame, OutcomeOf(frame, outcome, giveUp), EventsOf(frame, outcome, eviction));
        }
        finally
        {
            _turns.Release();
        }
    }

    private async ValueTask<AnalysisOutcome> AskEngineAsync(SessionFrame frame, AdaptationSession? state, CancellationToken giveUp)
    {
        try
        {
            var request = frame.Settings.ToRequest(frame.ReceivedAt, Earlier(frame.Deadline, _stalenessBudget), state);
            return await _lane.AnalyzeAsync(frame.Input, request, giveUp).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // One frame's fault must not take the session down, whatever it is.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            StreamingLog.AnalysisThrew(_logger, frame.Sequence, exception);
            return new FrameFailure(FailureKind.Internal, "the server failed on this frame; its log says how");
        }
    }

    private FrameOutcome OutcomeOf(SessionFrame frame, AnalysisOutcome outcome, CancellationToken giveUp)
    {
        var age = AgeOf(frame);
        if (age >= frame.Deadline && (outcome.Succeeded || outcome.Failure.Kind == FailureKind.Expired))
        {
            return Expired(age, frame.Deadline.Value);
        }

        if (outcome.Succeeded)
        {
            return new FrameOutcome { Result = outcome.Analysis.ToMessage(frame.Settings.Thresholds) };
        }

        return outcome.Failure.Kind switch
        {
            FailureKind.Expired => Dropped(age, DropReason.Stale),
            FailureKind.Canceled when giveUp.IsCancellationRequested => Dropped(age, DropReason.SessionEnded),
            _ => new FrameOutcome { Failed = outcome.Failure.ToFailed() },
        };
    }

    private static IEnumerable<SessionEvent> EventsOf(SessionFrame frame, AnalysisOutcome outcome, SessionEvent? eviction)
    {
        var guard = outcome.Succeeded ? outcome.Analysis.GuardEvents : [];
        var events = guard.Select(notice => notice.ToMessage(frame.Sequence + 1));
        return eviction is null ? events : events.Append(eviction);
    }

    private static TimeSpan? Earlier(TimeSpan? a, TimeSpan? b) => a < b || b is null ? a : b;
}
