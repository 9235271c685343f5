using LoupeGrpc.Quality;

namespace LoupeGrpc.Client.Cli.Evaluating;

/// <summary>As many points of a curve as can be shown.</summary>
internal static class CurvePoints
{
    /// <returns>From the highest threshold to the lowest, evenly spread, both among them.</returns>
    public static IEnumerable<ThresholdFigures> Thin(ScoreCurve curve, int most)
    {
        var points = curve.Points;
        var shown = Math.Min(points.Count, most);
        return Enumerable.Range(0, shown)
            .Select(index => points[shown == 1 ? 0 : (int)((long)index * (points.Count - 1) / (shown - 1))])
            .Select(point => new ThresholdFigures(point.Threshold, point.Found, point.FalseAlarms, curve.Forged, curve.Authentic));
    }
}
