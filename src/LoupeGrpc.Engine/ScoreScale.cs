using LoupeGrpc.Engine.Execution;
using LoupeGrpc.Engine.Tiling;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Engine;

/// <summary>
/// From what the model says of a picture to its score: the only place where a calibration counts. Without one, scores are bit for bit what they would be if there
/// were no such thing. What the segmentor and adaptation get stays what the model was trained with. Immutable.
/// </summary>
public sealed class ScoreScale
{
    private readonly double _tileBias;
    private readonly (double Temperature, double Bias)? _calibration;

    private ScoreScale(double tileBias, (double Temperature, double Bias)? calibration) => (_tileBias, _calibration) = (tileBias, calibration);

    /// <summary>That of a package.</summary>
    public static ScoreScale Of(ModelManifest manifest) =>
        new(manifest.Tiles?.Bias ?? 0, manifest.Calibration is { } calibration ? (calibration.Temperature, calibration.Bias) : null);

    /// <param name="logit">The classifier's.</param>
    /// <returns>0 to 1.</returns>
    public float OfWhole(float logit) => _calibration is null ? Scores.OfLogit(logit) : OfTile(logit);

    /// <param name="logit">What the tiles of a picture have in common, before the bias is taken from it.</param>
    /// <returns>0 to 1.</returns>
    public float OfTiles(double logit) => OfTile(logit - _tileBias);

    /// <param name="logit">Of one tile alone, which is a small picture.</param>
    /// <returns>0 to 1.</returns>
    public float OfTile(double logit) => (float)TileScores.Sigmoid(_calibration is { } fitted ? (logit / fitted.Temperature) + fitted.Bias : logit);
}
