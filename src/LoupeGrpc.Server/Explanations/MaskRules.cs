using LoupeGrpc.Engine;

namespace LoupeGrpc.Server.Explanations;

/// <summary>Where the mask is, how large and how strong, and whether it fits the verdict.</summary>
internal static class MaskRules
{
    /// <summary>Of the mask, in a field: it is there.</summary>
    private const double Most = 0.6;

    /// <summary>Of the mask, in a field: it is there too.</summary>
    private const double Some = 0.05;

    public static IReadOnlyList<Rule> All { get; } =
    [
        new(ExplanationCode.MaskInOneField, static finding => Densest(finding) is { Share: >= Most } densest
            ? [new("share", finding.ShareOf(finding.Mask!.Area)), new("field", densest.Field), new("field_share", densest.Share)]
            : null),
        new(ExplanationCode.MaskSpread, static finding => Densest(finding) is { Share: < Most } densest
            ?
            [
                new("share", finding.ShareOf(finding.Mask!.Area)),
                new("fields", finding.Mask.Fields.Count(pixels => pixels >= Some * finding.Mask.Area)),
                new("field", densest.Field),
                new("field_share", densest.Share),
            ]
            : null),
        new(ExplanationCode.OneRegion, static finding => finding.Analysis.Regions is [var region] ? StrengthOf(finding, region) : null),
        new(ExplanationCode.StrongestRegion, static finding => finding.Analysis.Regions is { Count: > 1 } regions && regions.MaxBy(static region => region.Mean) is { } strongest
            && StrengthOf(finding, strongest) is { } strength
            ?
            [
                new("regions", regions.Count),
                new("field", Fields.NumberOf(strongest.X, strongest.Y, strongest.Width, strongest.Height, finding.Analysis)),
                .. strength,
            ]
            : null),
        new(ExplanationCode.MaskOfSpecks, static finding => finding.IsMarked && finding.Analysis.Regions.Count == 0 ? [new("pixels", finding.Mask!.Area)] : null),
        Rule.When(ExplanationCode.MaskEmpty, static finding => finding.Mask?.Area == 0 && finding.Analysis.Verdict != Verdict.Manipulated),
        Rule.When(ExplanationCode.MaskMissing, static finding => finding.Mask?.Area == 0 && finding.Analysis.Verdict == Verdict.Manipulated),
        new(ExplanationCode.MaskAgainstVerdict, static finding =>
            finding.IsMarked && finding.Analysis.Verdict == Verdict.Authentic ? [new("share", finding.ShareOf(finding.Mask!.Area))] : null),
    ];

    /// <summary>The field with most of the mask; of several the first. Null where nothing is marked.</summary>
    private static (int Field, double Share)? Densest(Finding finding)
    {
        if (!finding.IsMarked)
        {
            return null;
        }

        var fields = finding.Mask!.Fields;
        int densest = Enumerable.Range(0, fields.Count).MaxBy(index => fields[index]);
        return (Fields.NumberOf(densest, finding.Analysis.Orientation), (double)fields[densest] / finding.Mask.Area);
    }

    private static Number[]? StrengthOf(Finding finding, MaskRegion region)
    {
        if (finding.Analysis.Evidence is not { } evidence)
        {
            return null;
        }

        var (width, height) = Fields.SizeOf(region.Width, region.Height, finding.Analysis.Orientation);
        return [new("width", width), new("height", height), new("mean", Number.Exact(region.Mean)), new("mask_threshold", Number.Exact(evidence.MaskThreshold))];
    }
}
