using System.Diagnostics.CodeAnalysis;

namespace LoupeGrpc.Engine.Adaptation;

/// <summary>
/// The adaptation of one session: its state, what may change it, and the guard over it. One user at a time: the host lets a frame in when the
/// frame before it is answered, so each frame meets the state that the frames before it left.
/// </summary>
public sealed class AdaptationSession
{
    // States to roll back to. With those of L14 (2.4 MB each) a session stays below 25 MB.
    private const int HistoryLength = 8;

    private readonly string _modelHash;
    private readonly AdaptationState _state;
    private readonly Queue<(long Step, float[] Values)> _history = new(HistoryLength);
    private readonly AdaptationGuard _guard = new();

    private readonly SessionTurns _turns = new();
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

    /// <summary>Takes the session for one frame. Waits for a frame that its caller gave up and that has not left the engine yet.</summary>
    internal Task EnterAsync(CancellationToken cancellationToken) => _turns.EnterAsync(cancellationToken);

    /// <summary>The frame has left the engine.</summary>
    internal void Leave() => _turns.Leave();

    /// <summary>The state now.</summary>
    public AdaptationReport Report() =>
        _report ??= new AdaptationReport(_state.Step, _state.Hash.ToArray(), _state.Drift, Frozen, _lastLoss);

    /// <summary>New settings for the frames that follow; parameters and moments stay.</summary>
    public bool TryConfigure(AdaptationSettings settings, [NotNullWhen(false)] out string? problem)
    {
        problem = settings.Mistake();
        if (problem is not null)
        {
            return false;
        }

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

        string kept = _history.Count == 0 ? "none is kept yet" : $"kept are {string.Join(", ", _history.Select(static state => state.Step))}, and 0";
        problem = $"The state after step {step} is gone: {kept}.";
        return false;
    }

    /// <summary>Back to what the last <see cref="Snapshot"/> of this session held.</summary>
    public bool TryRollBackToSnapshot([NotNullWhen(false)] out string? problem)
    {
        if (_lastSnapshot is null)
        {
            problem = "No snapshot was taken in this session.";
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

    /// <summary>Whether a frame with this score will adapt. Call once a frame.</summary>
    internal bool WantsStep(float score)
    {
        long number = _framesSeen++;
        return !Frozen
            && number % Settings.EveryNth == 0
            && MathF.Abs(score - 0.5f) >= Settings.MinConfidence
            && (Settings.Guard is not { } guard || _guard.Admits(guard, IsForged(score)));
    }

    /// <summary>Whether a frame that gets a mask is also to get the base mask. Call once a frame with a mask.</summary>
    internal bool WantsDualVerdict()
    {
        long number = _masksSeen++;
        bool asked = Settings.DualVerdictEveryNth > 0 && number % Settings.DualVerdictEveryNth == 0;
        bool guard = Settings.Guard is { } bounds && !Frozen && _state.Step > 0 && number % bounds.CompareEveryNth == bounds.CompareEveryNth - 1;
        return asked || guard;
    }

    /// <summary>One optimiser step, kept only within the guard's bounds.</summary>
    /// <param name="gradient">In the layout's order; overwritten.</param>
    /// <returns>Null, or what the guard did.</returns>
    internal GuardEvent? Step(float score, float loss, Span<float> gradient)
    {
        // Before anything changes: what a bound that is passed leads back to.
        if (Settings.Guard is { } bounds && _guard.CheckLoss(bounds, IsForged(score), loss) is { } surprise)
        {
            return Stop(bounds, GuardReason.Loss, surprise);
        }

        Remember();
        if (!float.IsFinite(loss) || !_state.TryStep(gradient, Settings.LearningRate, out _))
        {
            return Settings.Guard is { } guard
                ? Stop(guard, GuardReason.NotFinite, "The loss or its gradient is not finite; the step was not taken.")
                : null;
        }

        _report = null;
        _lastLoss = loss;
        _guard.Stepped(IsForged(score), loss);
        if (Settings.Guard is { } limit && _state.Drift > limit.MaxDrift)
        {
            float drift = _state.Drift;
            var (step, values) = _history.Last();
            _state.Restore(values, step);
            return Stop(limit, GuardReason.Drift, $"The parameters drifted by {drift:0.0000}, the bound is {limit.MaxDrift:0.0000} (max_drift).");
        }

        return null;
    }

    /// <summary>Holds the disagreement of base and adapted mask against its bound.</summary>
    /// <param name="disagreement">Share of the picture, 0 to 1.</param>
    internal GuardEvent? Compare(float disagreement)
    {
        if (Settings.Guard is not { } bounds || Frozen)
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

    /// <summary>The state came from elsewhere: what was seen on the way to the old one says nothing about it.</summary>
    private void Forget()
    {
        _history.Clear();
        _guard.Clear();
        _lastLoss = 0;
        _report = null;
    }
}
