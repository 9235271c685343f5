using System.Diagnostics.CodeAnalysis;
using LoupeGrpc.Engine.Queueing;

namespace LoupeGrpc.Engine.Adaptation;

/// <summary>
/// The adaptation of one session: its state, what may change it, and the guard over it. One user at a time. Between frames that is the host, which changes
/// the state only while no frame of the session is in the engine. Among frames the engine sees to it, and nobody else has to: whoever sends them, each gets its
/// turn when the one before it has left, in the order in which they came, and so meets the state that those before it left. The server relies on that.
/// </summary>
public sealed class AdaptationSession
{
    // States to roll back to. With those of L14 (2.4 MB each) a session stays below 25 MB.
    private const int HistoryLength = 8;

    private readonly string _modelHash;
    private readonly AdaptationState _state;
    private readonly Queue<(long Step, float[] Values)> _history = new(HistoryLength);
    private readonly AdaptationGuard _guard = new();

    // Room for one frame.
    private readonly Room _turns = new(RoomSize.OfFrames(1));
    private byte[]? _lastSnapshot;
    private AdaptationReport? _report;
    private long _framesSeen;
    private long _masksSeen;
    private float _lastLoss;

    internal AdaptationSession(ThetaLayout layout, ReadOnlyMemory<float> baseTheta, string modelHash, AdaptationSettings settings)
    {
        _modelHash = modelHash;
        _state = new AdaptationState(layout, baseTheta);
        Settings = settings;
    }

    /// <summary>In force from the next frame on. Change them through <see cref="TryConfigure"/>.</summary>
    public AdaptationSettings Settings { get; private set; }

    /// <summary>Frames do not adapt.</summary>
    public bool Frozen { get; private set; }

    /// <summary>The most bytes that the state, those to roll back to, the guard's and the last snapshot may hold together.</summary>
    public long MaxSizeInBytes => _state.SizeInBytes * (HistoryLength + 4);

    internal AdaptationState State => _state;

    /// <summary>Takes the session for one frame. Waits for those before it, also for one that its caller gave up and that has not left the engine yet.</summary>
    /// <returns>Null: the caller gave up while it waited.</returns>
    internal async ValueTask<AdaptationTurn?> TakeTurnAsync(CancellationToken cancellationToken) =>
        await _turns.TakeAsync(frames: 1, bytes: 0, cancellationToken).ConfigureAwait(false) is { Lease: { } lease } ? new AdaptationTurn(this, lease) : null;

    /// <summary>The state now.</summary>
    public AdaptationReport Report() =>
        _report ??= new AdaptationReport(_state.Step, _state.Hash.ToArray(), _state.Drift, Frozen, _lastLoss);

    /// <summary>New settings for the frames that follow; parameters and moments stay.</summary>
    public bool TryConfigure(AdaptationSettings settings, [NotNullWhen(false)] out string? problem)
    {
        var errors = settings.Validate();
        if (errors.Count > 0)
        {
            problem = string.Join(' ', errors);
            return false;
        }

        problem = null;

        Settings = settings;
        return true;
    }

    public void Freeze() => SetFrozen(true);

    public void Resume() => SetFrozen(false);

    /// <summary>Back to the base parameters, step 0. What was frozen stays frozen.</summary>
    public void Reset()
    {
        _state.Reset();
        Forget();
    }

    /// <summary>Back to the state after a number of steps.</summary>
    public bool TryRollBack(long step, [NotNullWhen(false)] out string? problem)
    {
        problem = null;
        if (step == _state.Step)
        {
            return true;
        }

        if (step == 0)
        {
            Reset();
            return true;
        }

        foreach (var (saved, values) in _history)
        {
            if (saved == step)
            {
                _state.Restore(values, step);
                Forget();
                return true;
            }
        }

        string kept = string.Join(", ", _history.Select(static state => state.Step).Prepend(0));
        problem = $"The state after step {step} is gone. States that can be restored: {kept}.";
        return false;
    }

    /// <summary>Back to what the last <see cref="Snapshot"/> of this session held.</summary>
    public bool TryRollBackToSnapshot([NotNullWhen(false)] out string? problem)
    {
        if (_lastSnapshot is null)
        {
            problem = "No snapshot has been taken in this session.";
            return false;
        }

        return TryRestore(_lastSnapshot, out problem);
    }

    /// <summary>The state as bytes for <see cref="TryRestore"/>, in this session or a later one of the same model.</summary>
    public byte[] Snapshot() => _lastSnapshot = AdaptationSnapshot.Write(_state, _modelHash);

    /// <summary>Takes over a snapshot. Whatever is wrong with it, the state stays as it was.</summary>
    public bool TryRestore(ReadOnlySpan<byte> snapshot, [NotNullWhen(false)] out string? problem)
    {
        if (!AdaptationSnapshot.TryRestore(snapshot, _state, _modelHash, out problem))
        {
            return false;
        }

        Forget();
        return true;
    }

    /// <summary>A copy of all that decides how the session adapts on, for <see cref="TryGoOn"/> on another server of the same model. Not for clients.</summary>
    /// <param name="whole">With the states to roll back to, which are most of it.</param>
    /// <returns>Writes it as bytes; may be called later and from another thread, and costs more than the copy.</returns>
    public Func<byte[]> Checkpoint(bool whole)
    {
        var memory = new AdaptationMemory(
            new SavedState(_state.Step, _state.Values.ToArray()), Frozen, _framesSeen, _masksSeen, _lastLoss, _guard.Save(), _lastSnapshot,
            whole ? [.. _history.Select(static state => new SavedState(state.Step, [.. state.Values]))] : []);
        return () => AdaptationCheckpoint.Write(memory, _modelHash);
    }

    /// <summary>Adapts on where a session on another server was. Whatever is wrong with the checkpoint, this one stays as it was.</summary>
    public bool TryGoOn(ReadOnlyMemory<byte> checkpoint, [NotNullWhen(false)] out string? problem)
    {
        if (!AdaptationCheckpoint.TryRead(checkpoint, _state.Layout, _modelHash, out var memory, out problem))
        {
            return false;
        }

        _state.Restore(memory.State.Values, memory.State.Step);
        _history.Clear();
        foreach (var state in memory.History.TakeLast(HistoryLength))
        {
            _history.Enqueue((state.Step, state.Values));
        }

        _guard.Restore(memory.Guard);
        (_lastSnapshot, _framesSeen, _masksSeen, _lastLoss) = (memory.LastSnapshot, memory.FramesSeen, memory.MasksSeen, memory.LastLoss);
        SetFrozen(memory.Frozen);
        return true;
    }

    /// <summary>Whether a frame with this score will adapt. Call once a frame.</summary>
    internal bool WantsStep(AdaptationSettings settings, float score)
    {
        long number = _framesSeen++;
        return !Frozen
            && number % settings.EveryNth == 0
            && MathF.Abs(score - 0.5f) >= settings.MinConfidence
            && (settings.Guard is not { } guard || _guard.Admits(guard, IsForged(score)));
    }

    /// <summary>Whether a frame that gets a mask is also to get the base mask. Call once a frame with a mask.</summary>
    internal bool WantsDualVerdict(AdaptationSettings settings)
    {
        long number = _masksSeen++;
        bool asked = settings.DualVerdictEveryNth > 0 && number % settings.DualVerdictEveryNth == 0;
        bool guard = settings.Guard is { } bounds && !Frozen && _state.Step > 0 && number % bounds.CompareEveryNth == bounds.CompareEveryNth - 1;
        return asked || guard;
    }

    /// <summary>One optimiser step, kept only within the guard's bounds and where all parameters stay finite.</summary>
    /// <param name="gradient">In the layout's order; overwritten.</param>
    /// <returns>Null, or what the guard did.</returns>
    internal GuardEvent? Step(AdaptationSettings settings, float score, float loss, Span<float> gradient)
    {
        if (Frozen)
        {
            return null;
        }

        // Before anything changes: what a bound that is passed leads back to.
        if (settings.Guard is { } bounds && _guard.CheckLoss(bounds, IsForged(score), loss) is { } surprise)
        {
            return Stop(bounds, GuardReason.Loss, surprise);
        }

        Remember();
        if (!float.IsFinite(loss) || !_state.TryStep(gradient, settings.LearningRate, out _))
        {
            return settings.Guard is { } guard
                ? Stop(guard, GuardReason.NotFinite, "The loss or its gradient is not finite; the step was not taken.")
                : null;
        }

        if (!_state.IsFinite)
        {
            TakeBack();
            return settings.Guard is { } guard
                ? Stop(guard, GuardReason.NotFinite, "The step left parameters that are not finite; it was taken back.")
                : null;
        }

        _report = null;
        _lastLoss = loss;
        _guard.Stepped(IsForged(score), loss);
        if (settings.Guard is { } limit && !(_state.Drift <= limit.MaxDrift))
        {
            float drift = _state.Drift;
            TakeBack();
            return Stop(limit, GuardReason.Drift, $"The parameters drifted by {drift:0.0000}, the bound is {limit.MaxDrift:0.0000} (max_drift).");
        }

        return null;
    }

    /// <summary>A step could not be computed: stops adapting.</summary>
    internal GuardEvent FailStep()
    {
        SetFrozen(true);
        return new GuardEvent(
            GuardReason.StepFailed, GuardAction.Freeze, "The adaptation step failed, so the session no longer adapts; the server's log has the reason.", Report());
    }

    /// <summary>Holds the disagreement of base and adapted mask against its bound.</summary>
    /// <param name="disagreement">Share of the picture, 0 to 1.</param>
    internal GuardEvent? Compare(AdaptationSettings settings, float disagreement)
    {
        if (settings.Guard is not { } bounds || Frozen)
        {
            return null;
        }

        if (disagreement <= bounds.MaxDisagreement)
        {
            _guard.Trust(_state);
            return null;
        }

        if (bounds.Action == GuardAction.RollBack)
        {
            _guard.RestoreTrusted(_state);
        }

        return Stop(
            bounds, GuardReason.Disagreement, $"Base and adapted mask differ on {disagreement:0.000} of the picture, the bound is {bounds.MaxDisagreement:0.000} (max_disagreement).");
    }

    private static bool IsForged(float score) => score > 0.5f;

    private GuardEvent Stop(GuardSettings bounds, GuardReason reason, string message)
    {
        SetFrozen(true);
        return new GuardEvent(reason, bounds.Action, message, Report());
    }

    private void SetFrozen(bool frozen)
    {
        Frozen = frozen;
        _report = null;
    }

    private void Remember()
    {
        float[] values = _history.Count == HistoryLength ? _history.Dequeue().Values : new float[_state.Values.Length];
        _state.Values.CopyTo(values);
        _history.Enqueue((_state.Step, values));
    }

    private void TakeBack()
    {
        var (step, values) = _history.Last();
        _state.Restore(values, step);
    }

    /// <summary>The state came from elsewhere: what was seen on the way to the old one says nothing about it.</summary>
    private void Forget()
    {
        _history.Clear();
        _guard.Clear();
        _lastLoss = 0;
        _report = null;
    }
}
