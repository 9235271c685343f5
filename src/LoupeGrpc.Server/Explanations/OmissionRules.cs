using LoupeGrpc.Engine;

namespace LoupeGrpc.Server.Explanations;

/// <summary>Why there is no mask although there is something to mark.</summary>
internal static class OmissionRules
{
    public static IReadOnlyList<Rule> All { get; } =
    [
        Rule.When(ExplanationCode.MaskNotAskedFor, static finding =>
            finding.Analysis.MaskOmission == MaskOmission.Policy && finding.Analysis.Verdict != Verdict.Authentic && !IsSaved(finding)),
        Rule.When(ExplanationCode.MaskTooLarge, static finding => finding.Analysis.MaskOmission == MaskOmission.Budget),
        Rule.When(ExplanationCode.MaskSaved, IsSaved),
    ];

    private static bool IsSaved(Finding finding) => finding.Analysis.Economies.HasFlag(Economies.NoMask);
}
