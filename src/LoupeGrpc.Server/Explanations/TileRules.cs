using LoupeGrpc.Engine;

namespace LoupeGrpc.Server.Explanations;

/// <summary>How much of a picture in tiles was looked at, and where first.</summary>
internal static class TileRules
{
    public static IReadOnlyList<Rule> All { get; } =
    [
        new(ExplanationCode.Tiles, static finding => finding.Analysis is { Tiles: { } tiles, Evidence: { } evidence } && tiles.Analysed == tiles.Of
            ? [new("tiles", tiles.Analysed), new("input", evidence.InputSide)]
            : null),
        new(ExplanationCode.TilesInPart, static finding => finding.Analysis.Tiles is { } tiles && tiles.Analysed < tiles.Of
            ? [new("tiles", tiles.Analysed), new("tiles_in_all", tiles.Of), new("coverage", tiles.Coverage)]
            : null),
        new(ExplanationCode.TilePeak, static finding => finding.Analysis.Tiles is { Analysed: > 1, Peak: var peak }
            ? [new("tile_score", Number.Exact(peak.Score)), new("field", Fields.NumberOf(peak.X, peak.Y, peak.Width, peak.Height, finding.Analysis))]
            : null),
        new(ExplanationCode.TilePeakOutvoted, static finding => finding.Analysis.Tiles is { Analysed: > 1, Peak: var peak } && IsOutvoted(finding, peak)
            ? [new("tile_score", Number.Exact(peak.Score)), new("high", finding.High)]
            : null),
    ];

    private static bool IsOutvoted(Finding finding, TilePeak peak) => peak.Score >= finding.Thresholds.High && finding.Analysis.Score < finding.Thresholds.High;
}
