namespace LoupeGrpc.Engine.Adaptation;

/// <summary>What the guard of one session has seen. The bounds come with each question, since a session may change them.</summary>
internal sealed class AdaptationGuard
{
    // Of each pseudo label; their losses differ by an order of magnitude, since authentic frames have no mask term.
    internal const int LossWindow = 31;

    // Fewer losses say nothing about what is usual.
    private const int LeastLosses = 5;

    private readonly RunningMedian _forgedLosses = new(LossWindow);
    private readonly RunningMedian _authenticLosses = new(LossWindow);
    private float[]? _trusted;
    private long _trustedStep;
    private bool _lastForged;
    private int _sameLabel;

    /// <summary>Whether another frame of this pseudo label may adapt after those before it.</summary>
    public bool Admits(GuardSettings bounds, bool forged) => forged != _lastForged || _sameLabel < bounds.MaxSameLabel;

    /// <returns>Null, or why the loss is out of bounds.</returns>
    public string? CheckLoss(GuardSettings bounds, bool forged, float loss)
    {
        var losses = LossesOf(forged);
        float usual = losses.Median();
        return losses.Count >= LeastLosses && loss > bounds.MaxLossRatio * usual
            ? $"The loss {loss:0.00} is more than {bounds.MaxLossRatio:0.0} times the usual {usual:0.00} (max_loss_ratio)."
            : null;
    }

    public void Stepped(bool forged, float loss)
    {
        LossesOf(forged).Add(loss);
        _sameLabel = forged == _lastForged ? _sameLabel + 1 : 1;
        _lastForged = forged;
    }

    /// <summary>The state was compared with the base and found within the bounds.</summary>
    public void Trust(AdaptationState state)
    {
        _trusted ??= new float[state.Values.Length];
        state.Values.CopyTo(_trusted);
        _trustedStep = state.Step;
    }

    /// <summary>Back to the last trusted state, or to the base parameters.</summary>
    public void RestoreTrusted(AdaptationState state)
    {
        if (_trusted is null)
        {
            state.Reset();
        }
        else
        {
            state.Restore(_trusted, _trustedStep);
        }
    }

    public void Clear()
    {
        _forgedLosses.Clear();
        _authenticLosses.Clear();
        _trusted = null;
        _sameLabel = 0;
    }

    /// <summary>A copy of all that it remembers.</summary>
    public GuardMemory Save() => new(
        _lastForged, _sameLabel, _forgedLosses.ToArray(), _authenticLosses.ToArray(), _trusted is null ? null : new SavedState(_trustedStep, [.. _trusted]));

    /// <summary>Remembers that, and nothing else.</summary>
    public void Restore(GuardMemory memory)
    {
        Clear();
        (_lastForged, _sameLabel) = (memory.LastForged, memory.SameLabel);
        foreach (var loss in memory.ForgedLosses)
        {
            _forgedLosses.Add(loss);
        }

        foreach (var loss in memory.AuthenticLosses)
        {
            _authenticLosses.Add(loss);
        }

        (_trusted, _trustedStep) = memory.Trusted is { } trusted ? (trusted.Values, trusted.Step) : (null, 0);
    }

    private RunningMedian LossesOf(bool forged) => forged ? _forgedLosses : _authenticLosses;
}
