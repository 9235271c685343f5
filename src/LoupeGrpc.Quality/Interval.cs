namespace LoupeGrpc.Quality;

/// <summary>Between which values a figure lies for 95 of 100 samples like this one.</summary>
/// <param name="Low">The value at 2.5 % of the samples drawn.</param>
/// <param name="High">At 97.5 %.</param>
internal readonly record struct Interval(double Low, double High)
{
    private const double Tail = 0.025;

    /// <returns>Null where most samples have no such figure.</returns>
    public static Interval? Of(IReadOnlyCollection<double?> drawn)
    {
        double[] sorted = [.. drawn.OfType<double>().Order()];
        return sorted.Length == 0 || sorted.Length * 2 < drawn.Count ? null : new Interval(Quantile(sorted, Tail), Quantile(sorted, 1 - Tail));
    }

    /// <summary>Linear between neighbours.</summary>
    private static double Quantile(double[] sorted, double share)
    {
        var place = share * (sorted.Length - 1);
        var below = (int)place;
        return below + 1 == sorted.Length ? sorted[below] : sorted[below] + ((place - below) * (sorted[below + 1] - sorted[below]));
    }
}
