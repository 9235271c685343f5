namespace LoupeGrpc.Reporting;

/// <summary>An axis of a chart.</summary>
/// <param name="Label">What it is.</param>
/// <param name="From">Its least value.</param>
/// <param name="To">Its greatest.</param>
/// <param name="Ticks">Values that stand beside it.</param>
internal sealed record SvgAxis(string Label, double From, double To, IReadOnlyList<double> Ticks)
{
    /// <summary>Of shares, 0 to 1.</summary>
    public static SvgAxis OfShares(string label, int parts = 5) => new(label, 0, 1, [.. Enumerable.Range(0, parts + 1).Select(tick => (double)tick / parts)]);

    /// <summary>From end to end, with round ticks, about as many as asked for.</summary>
    public static SvgAxis Of(string label, double from, double to, int ticks)
    {
        if (!(to > from))
        {
            to = from + 1;
        }

        var step = Step(to - from, ticks);
        var first = Math.Ceiling((from / step) - 1e-9);
        var last = Math.Floor((to / step) + 1e-9);
        return new SvgAxis(label, from, to, [.. Enumerable.Range(0, (int)(last - first) + 1).Select(tick => (first + tick) * step)]);
    }

    /// <summary>From 0 to the round tick above the greatest value.</summary>
    public static SvgAxis UpTo(string label, double most, int ticks)
    {
        var step = Step(most, ticks);
        return Of(label, 0, Math.Ceiling((most / step) - 1e-9) * step, ticks);
    }

    /// <returns>Where on the axis a value lies, 0 to 1; beyond its ends, at them.</returns>
    public double Place(double value) => Math.Clamp((value - From) / (To - From), 0, 1);

    /// <returns>1, 2 or 5 times a power of ten.</returns>
    private static double Step(double span, int ticks)
    {
        var rough = span / ticks;
        var power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        return power * (rough / power) switch
        {
            <= 1 => 1,
            <= 2 => 2,
            <= 5 => 5,
            _ => 10,
        };
    }
}
