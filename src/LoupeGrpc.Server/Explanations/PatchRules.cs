namespace LoupeGrpc.Server.Explanations;

/// <summary>Whether the classifier's view of single patches fits the mask, which another part of the model makes.</summary>
internal static class PatchRules
{
    /// <summary>Of the mask, on suspected patches, as it is shown: they agree.</summary>
    private const double Half = 0.5;

    public static IReadOnlyList<Rule> All { get; } =
    [
        new(ExplanationCode.PatchesAgree, static finding => Overlap(finding) is { } overlap && IsHalf(overlap) ? Numbers(finding, overlap) : null),
        new(ExplanationCode.PatchesDisagree, static finding => Overlap(finding) is { } overlap && !IsHalf(overlap) ? Numbers(finding, overlap) : null),
        new(ExplanationCode.PatchesSilent, static finding =>
            finding.IsMarked && finding.Analysis.Evidence!.Patches is { Suspected: 0 } patches ? [new("patches_in_all", patches.All)] : null),
        new(ExplanationCode.PatchesAlone, static finding => !finding.IsMarked && finding.Analysis.Evidence?.Patches is { Suspected: > 0 } patches
            ? [new("patches", patches.Suspected), new("patches_in_all", patches.All)]
            : null),
        new(ExplanationCode.PatchesClear, static finding =>
            !finding.IsMarked && finding.Analysis.Evidence?.Patches is { Suspected: 0 } patches ? [new("patches_in_all", patches.All)] : null),
    ];

    private static bool IsHalf(double overlap) => Math.Round(overlap, 2, MidpointRounding.AwayFromZero) >= Half;

    /// <summary>Share of the mask that lies on suspected patches; null where there are none of the two.</summary>
    private static double? Overlap(Finding finding) =>
        finding.IsMarked && finding.Analysis.Evidence!.Patches is { Suspected: > 0 } && finding.Mask!.OnSuspectedPatches is { } pixels ? (double)pixels / finding.Mask.Area : null;

    private static Number[] Numbers(Finding finding, double overlap)
    {
        var patches = finding.Analysis.Evidence!.Patches!;
        return [new("patches", patches.Suspected), new("patches_in_all", patches.All), new("mask_on_patches", overlap)];
    }
}
