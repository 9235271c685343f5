using LoupeGrpc.Engine;

namespace LoupeGrpc.Server.Explanations;

/// <summary>What could not be judged, or only badly, and how the file was read.</summary>
internal static class InputRules
{
    /// <summary>From it on a picture loses more by being resized than it would in tiles.</summary>
    private const double MostReduction = 2.5;

    private const int MostEnlargement = 2;
    private const int LeastQuality = 50;
    private const float LeastBrightness = 0.15f;

    public static IReadOnlyList<Rule> All { get; } =
    [
        new(ExplanationCode.Squeezed, static finding =>
            finding.Analysis is { Tiles: null, Evidence: { } evidence } picture && Math.Max(picture.Width, picture.Height) / (double)evidence.InputSide is >= MostReduction and var factor
            ? [new("factor", factor), new("input", evidence.InputSide)]
            : null),
        new(ExplanationCode.TooSmall, static finding =>
        {
            var (width, height) = Fields.SizeOf(finding.Analysis.Width, finding.Analysis.Height, finding.Analysis.Orientation);
            return finding.Analysis.Evidence is { } evidence && (long)Math.Min(width, height) * MostEnlargement < evidence.InputSide
                ? [new("picture_width", width), new("picture_height", height), new("input", evidence.InputSide)]
                : null;
        }),
        new(ExplanationCode.Compressed, static finding => finding.Analysis.Evidence?.JpegQuality is < LeastQuality and var quality ? [new("quality", quality)] : null),
        new(ExplanationCode.Dark, static finding =>
            finding.Analysis.Evidence?.Brightness is < LeastBrightness and var brightness ? [new("brightness", Number.Exact(brightness))] : null),
        Rule.When(ExplanationCode.Damaged, static finding => finding.Has(ImageNoteKind.Damaged)),
        new(ExplanationCode.FirstPictureOnly, static finding =>
            finding.Has(ImageNoteKind.FirstFrameOnly) && finding.Analysis.Evidence is { } evidence ? [new("pictures", evidence.Pictures)] : null),
        Rule.When(ExplanationCode.PreviewPassedOver, static finding => finding.Has(ImageNoteKind.PreviewOnly)),
        new(ExplanationCode.BitDepthReduced, static finding =>
            finding.Has(ImageNoteKind.BitDepthReduced) && finding.Analysis.Evidence is { } evidence ? [new("bits", evidence.BitDepth)] : null),
        Rule.When(ExplanationCode.TransparencyIgnored, static finding => finding.Has(ImageNoteKind.AlphaDropped)),
        Rule.When(ExplanationCode.ColoursConverted, static finding => finding.Has(ImageNoteKind.CmykConverted)),
        new(ExplanationCode.Turned, static finding => finding.Analysis.Orientation > 1 ? [new("orientation", finding.Analysis.Orientation)] : null),
    ];
}
