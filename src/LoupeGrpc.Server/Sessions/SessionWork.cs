using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.Packaging;
using LoupeGrpc.Server.Models;
using LoupeGrpc.Server.Sessions.Adaptation;
using LoupeGrpc.Server.Sessions.Frames;
using LoupeGrpc.Server.Sessions.Keeping;
using LoupeGrpc.Server.Sessions.Temporal;

namespace LoupeGrpc.Server.Sessions;

/// <summary>
/// What a session does with what its calls bring: frames, commands, adaptation, and the responses to them. It knows nothing of connections. The methods of the
/// reader are called by one call at a time.
/// </summary>
internal sealed class SessionWork : IDisposable
{
    /// <summary>Frames without an order that may be behind one without an outcome, however few credits there are.</summary>
    private const int MinUnordered = 1024;

    private readonly SessionServices _services;
    private readonly SessionOpening _opening;
    private readonly OutcomeSequencer _sequencer;
    private readonly SessionAdaptation _adaptation;
    private readonly SessionControls _controls;
    private readonly FramePath _frames;
    private readonly CancellationTokenSource _abandon = new();
    private readonly long _openedAt;

    /// <summary>How long the session was elsewhere.</summary>
    private readonly TimeSpan _before;

    /// <param name="id">Of the session, for its log.</param>
    /// <param name="lease">The session's, which gives it back at its end.</param>
    /// <param name="credits">Frames and commands that may be without a written answer.</param>
    /// <param name="keeper">Null: the session is not kept outside this server.</param>
    /// <param name="describe">What a record says of the session beside its work.</param>
    /// <param name="stored">What another server left of it; null: it begins here.</param>
    public SessionWork(
        string id,
        SessionOpening opening,
        ModelLease lease,
        int credits,
        SessionServices services,
        SessionKeeper? keeper,
        Func<SessionProgress, SessionFacts> describe,
        StoredSession? stored)
    {
        _services = services;
        Model = lease.Model;
        _opening = opening;
        _openedAt = LastInputAt = services.Time.GetTimestamp();
        Outbox = new SessionOutbox(credits, opening.Resumable, services.Options.Sessions.MaxKeptBytes, services.Ledger.Responses, services.Time);
        _sequencer = new OutcomeSequencer(opening.Unordered, Outbox, services.Metrics, Math.Max(MinUnordered, services.Options.Limits.Credits), opening.Analysis, services.Receipts.Open(opening, id, lease.Model, stored),
            opening.Analysis.Temporal is { } temporal ? new TemporalFilter(temporal, stored?.Record.Facts.Temporal) : null);
        _adaptation = new SessionAdaptation(
            lease.CreateAdaptation, services.AdaptationBudget, opening, _sequencer, () => SessionLog.AdaptationEvicted(services.Logger, id));
        Checkpoints = keeper is null
            ? null
            : new SessionCheckpoints(
                keeper, services.Keeping.Encoding, _sequencer, _adaptation, services.Options.Sessions.CheckpointInterval, describe);
        _frames = new FramePath(services, opening, lease, _sequencer, _adaptation, Outbox, Checkpoints, _abandon.Token);
        _controls = new SessionControls(_sequencer, _adaptation, services.StateTurns, opening.Analysis, stored?.Commands ?? 0);
        _before = stored?.Record.Facts.Duration ?? TimeSpan.Zero;
    }

    /// <summary>What calls write.</summary>
    public SessionOutbox Outbox { get; }

    /// <summary>Null: the session is not kept outside this server.</summary>
    public SessionCheckpoints? Checkpoints { get; }

    /// <summary>What of its adaptation was asked for and is not there.</summary>
    public IReadOnlyList<MissingFeature> MissingAdaptation { get; private set; } = [];

    /// <summary>What its frames are analysed with, from first to last.</summary>
    public ModelDescription Model { get; }

    /// <summary>What the next frame runs on.</summary>
    public ExecutionDescription Execution => _frames.Execution;

    /// <inheritdoc cref="FramePath.PaidAhead"/>
    public PaidAhead? PaidAhead => _frames.PaidAhead;

    /// <summary>After the last frame or command that is done; null where the session does not adapt.</summary>
    public AdaptationReport? Adaptation => _adaptation.State;

    /// <summary>Of the next frame.</summary>
    public AnalysisSettings Settings => _controls.Settings;

    /// <summary>What was taken in so far.</summary>
    public TakenIn TakenIn => new(_sequencer.NextSequence, _controls.Received);

    /// <summary>Timestamp of the last frame or command, or of the opening.</summary>
    public long LastInputAt { get; private set; }

    /// <inheritdoc cref="OutcomeSequencer.Count"/>
    public FrameCounts Count() => _sequencer.Count();

    /// <summary>Once, before the first frame.</summary>
    /// <param name="snapshot">Adaptation state to begin with; empty: the model's own parameters.</param>
    public void Begin(ReadOnlyMemory<byte> snapshot)
    {
        _adaptation.Enter();
        MissingAdaptation = [.. _adaptation.Open(_opening.Adaptation, snapshot)];
        if (_adaptation.Leave() is { } eviction)
        {
            _sequencer.Notify(eviction);
        }

        // A server that is killed before the first frames are done loses none.
        Checkpoints?.WriteAsync(whole: false);
    }

    /// <summary>Once, instead of <see cref="Begin"/>: goes on where another server's session ended.</summary>
    public void GoOn(StoredSession stored)
    {
        var facts = stored.Record.Facts;
        _sequencer.Restore(stored);
        if (stored.IsBehind)
        {
            Outbox.Restore(stored.Claim.Responses, []);
        }
        else
        {
            Outbox.Restore(facts.FirstResponse, stored.Record.Responses);
        }

        _adaptation.Enter();
        MissingAdaptation = [.. _adaptation.GoOn(facts.Adaptation, stored.Record.Adaptation)];
        if (_adaptation.Leave() is { } eviction)
        {
            _sequencer.Notify(eviction);
        }

        if (stored.IsBehind)
        {
            _sequencer.Notify(SessionNotice.Of(stored, _adaptation.State));
        }

        Checkpoints?.WriteAsync(whole: true);
    }

    /// <summary>Takes a frame in. The reader's.</summary>
    /// <param name="receivedAt">Timestamp.</param>
    public ValueTask TakeAsync(IncomingFrame frame, long receivedAt)
    {
        Outbox.TakeCredit();
        LastInputAt = receivedAt;
        return _frames.TakeAsync(frame, _controls.Settings, receivedAt);
    }

    /// <summary>Carries a command out. The reader's.</summary>
    /// <param name="receivedAt">Timestamp.</param>
    public async ValueTask ApplyAsync(SessionCommand command, long receivedAt)
    {
        Outbox.TakeCredit();
        LastInputAt = receivedAt;
        await _controls.ApplyAsync(command).ConfigureAwait(false);
        if (command is not (SessionCommand.Flush or SessionCommand.Rejected))
        {
            // Its client will not send it again.
            Checkpoints?.WriteAsync(whole: false);
        }
    }

    /// <summary>Waits until a frame or command may be taken in. A credit comes back with each answer written: a client that sends without reading is slowed down by flow control.</summary>
    /// <exception cref="OperationCanceledException"/>
    public async ValueTask WaitForCreditAsync(CancellationToken cancellationToken)
    {
        await Outbox.WaitForCreditAsync(cancellationToken).ConfigureAwait(false);
        await _sequencer.WaitForPlaceAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Done when every frame taken in has its outcome, or is left to another server.</summary>
    public Task WhenDecided() => _sequencer.WhenDecided();

    /// <summary>Done when every frame taken in has its outcome: by itself, or dropped when the time for that is over.</summary>
    public async Task DecideWithinAsync(TimeSpan patience)
    {
        try
        {
            await WhenDecided().WaitAsync(patience, _services.Time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            Abandon();
            await WhenDecided().ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Done when nothing of the session is in the engine any more. What still waits when half of the time is over is left to the server that goes on with it,
    /// unless outcomes have no order: then a gap could not be told from what was answered.
    /// </summary>
    public async Task LeaveWithinAsync(TimeSpan patience)
    {
        if (_opening.Unordered)
        {
            await DecideWithinAsync(patience).ConfigureAwait(false);
            return;
        }

        try
        {
            await WhenDecided().WaitAsync(patience / 2, _services.Time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            _frames.Leave();
            await DecideWithinAsync(patience / 2).ConfigureAwait(false);
        }
    }

    /// <summary>The session so far.</summary>
    public SessionSummary Summarize() => _sequencer.Summarize(Duration) with { Adaptation = _adaptation.State };

    /// <summary>Since its opening, at other servers too.</summary>
    public TimeSpan Duration => _before + _services.Time.GetElapsedTime(_openedAt);

    /// <summary>The session as it ended, for its client.</summary>
    public SessionSummary Conclude() => _sequencer.Conclude(Duration) with { Adaptation = _adaptation.State };

    /// <summary>Frames that come are dropped from now on, and those that were left to another server. Says so to the client.</summary>
    public void Close(SessionNotice notice)
    {
        _sequencer.Close(notice);
        _frames.DropLeft();
    }

    /// <summary>Nobody waits for its frames any more: they are dropped, those inside the engine canceled.</summary>
    public void Abandon()
    {
        _abandon.Cancel();
        _frames.Abandon();
    }

    /// <summary>When every frame has its outcome.</summary>
    public void Dispose()
    {
        Outbox.ForgetAll();
        _frames.Dispose();
        _adaptation.Dispose();
        _abandon.Dispose();
    }
}
