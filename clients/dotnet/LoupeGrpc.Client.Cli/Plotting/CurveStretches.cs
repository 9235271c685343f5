namespace LoupeGrpc.Client.Cli.Plotting;

/// <summary>The parts of a curve that are drawn in one go.</summary>
internal static class CurveStretches
{
    /// <param name="points">In the order of the axis.</param>
    /// <param name="value">What is drawn; null or infinite: nothing.</param>
    /// <param name="hasGaps">Points without a value interrupt the curve; else they were not measured, and it goes on to the next.</param>
    /// <returns>Points with a value, cut where there is a gap.</returns>
    public static List<List<CurvePoint>> Of(IReadOnlyList<CurvePoint> points, Func<CurvePoint, double?> value, bool hasGaps)
    {
        var stretches = new List<List<CurvePoint>>();
        var isOpen = false;
        foreach (var point in points)
        {
            if (value(point) is not { } found || !double.IsFinite(found))
            {
                isOpen &= !hasGaps;
                continue;
            }

            if (!isOpen)
            {
                stretches.Add([]);
                isOpen = true;
            }

            stretches[^1].Add(point);
        }

        return stretches;
    }
}
