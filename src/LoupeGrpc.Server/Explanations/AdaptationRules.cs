namespace LoupeGrpc.Server.Explanations;

/// <summary>What adaptation changed.</summary>
internal static class AdaptationRules
{
    public static IReadOnlyList<Rule> All { get; } =
    [
        new(ExplanationCode.Adapted, static finding => finding is { Mask: not null, Analysis: { MaskDisagreement: null, Adaptation: { Step: > 0 } state } }
            ? [new("step", state.Step), new("drift", Number.Exact(state.Drift))]
            : null),
        new(ExplanationCode.AdaptationChangedMask, static finding =>
            finding is { Mask: { } mask, Analysis: { MaskDisagreement: > 0 and var disagreement, Adaptation: { Step: > 0 } state, Evidence.BaseMaskArea: { } before } }
            ?
            [
                new("step", state.Step),
                new("disagreement", Number.Exact(disagreement)),
                new("share", finding.ShareOf(mask.Area)),
                new("base_share", finding.ShareOf(before)),
            ]
            : null),
        new(ExplanationCode.AdaptationKeptMask, static finding =>
            finding.Analysis is { MaskDisagreement: 0, Adaptation: { Step: > 0 } state } ? [new("step", state.Step)] : null),
        new(ExplanationCode.AdaptationFrozen, static finding => finding.Analysis.Adaptation is { Frozen: true } state ? [new("step", state.Step)] : null),
    ];
}
