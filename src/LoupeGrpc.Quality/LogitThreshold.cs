namespace LoupeGrpc.Quality;

/// <summary>Thresholds between the logits of a sample: halfway between two, so that they say nothing about a single picture.</summary>
internal static class LogitThreshold
{
    private const double SmallestGap = 1e-3;

    /// <summary>The lowest one with at most so many of them at or above it.</summary>
    /// <param name="logits">Finite, more than <paramref name="allowed"/>.</param>
    public static double Above(IEnumerable<double> logits, int allowed)
    {
        double[] descending = [.. logits.OrderDescending()];
        // The highest one that must be below, and the next other one above it.
        var below = descending[allowed];
        var above = Array.FindLastIndex(descending, logit => logit > below);
        if (above >= 0)
        {
            return Between(below, descending[above]);
        }

        // Beyond all of them: as far again as half way to the next one inside, where there is another.
        var inside = Array.FindIndex(descending, logit => logit < below);
        return below + (inside >= 0 ? (below - descending[inside]) / 2 : SmallestGap * Math.Max(1, Math.Abs(below)));
    }

    /// <summary>The highest one with at most so many of them below it.</summary>
    /// <inheritdoc cref="Above"/>
    public static double Below(IEnumerable<double> logits, int allowed) => -Above(logits.Select(static logit => -logit), allowed);

    /// <returns>Above the lower one, at most the higher one.</returns>
    private static double Between(double low, double high)
    {
        var middle = low + ((high - low) / 2);
        return middle > low ? middle : high;
    }
}
