using LoupeGrpc.Engine;

namespace LoupeGrpc.Server.Explanations;

/// <summary>How much of a picture in tiles was looked at, and where first.</summary>
internal static class TileRules
{
    public static IReadOnlyList<Rule> All { get; } =
    [
        new(ExplanationCode.Tiles, static finding => finding.Analysis is { Tiles: { } tiles, Evidence: { } evidence } && tiles.Analysed == tiles.Of && !IsPooled(tiles)
            ? [new("tiles", tiles.Analysed), new("input", evidence.InputSide)]
            : null),
        new(ExplanationCode.TilesInPart, static finding => finding.Analysis.Tiles is { } tiles && tiles.Analysed < tiles.Of && !IsPooled(tiles)
            ? [new("tiles", tiles.Analysed), new("tiles_in_all", tiles.Of), new("coverage", tiles.Coverage)]
            : null),
        new(ExplanationCode.TilesOfFrames, static finding => finding.Analysis is { Tiles: { Window: { } window } tiles, Evidence: { } evidence } && tiles.Analysed == tiles.Of && IsPooled(tiles)
            ? [new("tiles", tiles.Analysed), new("input", evidence.InputSide), new("window_frames", window.Frames), new("fresh_tiles", window.Fresh)]
            : null),
        new(ExplanationCode.TilesOfFramesInPart, static finding => finding.Analysis.Tiles is { Window: { } window } tiles && tiles.Analysed < tiles.Of && IsPooled(tiles)
            ? [
                new("tiles", tiles.Analysed), new("tiles_in_all", tiles.Of), new("coverage", tiles.Coverage), new("window_frames", window.Frames),
                new("fresh_tiles", window.Fresh),
            ]
            : null),
        new(ExplanationCode.MaskOfFewerTiles, static finding => finding.Analysis.Tiles is { Window: { Masked: > 0 } window } tiles && window.Masked < tiles.Analysed
            ? [new("mask_tiles", window.Masked), new("tiles", tiles.Analysed)]
            : null),
        new(ExplanationCode.TilePeak, static finding => finding.Analysis.Tiles is { Analysed: > 1, Peak: var peak }
            ? [new("tile_score", Number.Exact(peak.Score)), new("field", Fields.NumberOf(peak.X, peak.Y, peak.Width, peak.Height, finding.Analysis))]
            : null),
        new(ExplanationCode.TilePeakOutvoted, static finding => finding.Analysis.Tiles is { Analysed: > 1, Peak: var peak } && IsOutvoted(finding, peak)
            ? [new("tile_score", Number.Exact(peak.Score)), new("high", finding.High)]
            : null),
        new(ExplanationCode.TilePeakBefore, static finding => finding.Analysis.Tiles is { Analysed: > 1, Window.PeakAge: > 0 and var age } ? [new("peak_age", age)] : null),
    ];

    /// <summary>Whether tiles of several frames count.</summary>
    private static bool IsPooled(TileReport tiles) => tiles.Window is { Frames: > 1 };

    private static bool IsOutvoted(Finding finding, TilePeak peak) => peak.Score >= finding.Thresholds.High && finding.Analysis.Score < finding.Thresholds.High;
}
