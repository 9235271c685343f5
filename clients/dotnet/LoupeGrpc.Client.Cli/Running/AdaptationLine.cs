using System.Globalization;

namespace LoupeGrpc.Client.Cli.Running;

/// <summary>How a session's adaptation stands, in a few words for people: the latest result, and the latest dual verdict.</summary>
internal sealed class AdaptationLine
{
    private float? _disagreement;

    /// <summary>Null in sessions that do not adapt.</summary>
    public string? Text { get; private set; }

    public void Update(LoupeOutcome outcome)
    {
        if (outcome is not LoupeResult { Result: { Adaptation: { } state } result })
        {
            return;
        }

        if (result.BaseMask is not null)
        {
            _disagreement = result.MaskDisagreement;
        }

        // A state from a snapshot has no last step.
        var loss = state.LastLoss > 0 ? Invariant($", loss {state.LastLoss:0.000}") : "";
        var dual = _disagreement is { } share ? Invariant($", dual {100 * share:0.0} %") : "";
        Text = Invariant($"step {state.Step}, drift {state.Drift:0.0000}{loss}{dual}{(state.Frozen ? ", frozen" : "")}");
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
