namespace LoupeGrpc.Quality;

/// <summary>What counts say about rates, whatever the distribution of scores.</summary>
internal static class Binomial
{
    private const double Tail = 0.025;
    private const int Halvings = 100;

    /// <summary>The probability of at most <paramref name="count"/> of <paramref name="of"/>.</summary>
    /// <param name="count">0 to <paramref name="of"/>.</param>
    /// <param name="rate">Of each, 0 to 1.</param>
    public static double AtMost(int count, int of, double rate)
    {
        if (rate <= 0 || count >= of)
        {
            return 1;
        }

        if (rate >= 1)
        {
            return 0;
        }

        var (odds, term, sum) = (Math.Log(rate) - double.LogP1(-rate), of * double.LogP1(-rate), 0.0);
        for (var i = 0; ; i++)
        {
            sum += Math.Exp(term);
            if (i == count)
            {
                return Math.Min(sum, 1);
            }

            term += Math.Log((double)(of - i) / (i + 1)) + odds;
        }
    }

    /// <summary>The rates of which a count is in neither of the outer 2.5 %: the interval of Clopper and Pearson at 95 %.</summary>
    /// <param name="of">At least 1.</param>
    public static Interval IntervalOf(int count, int of) => new(
        count == 0 ? 0 : Solve(rate => 1 - AtMost(count - 1, of, rate) < Tail),
        count == of ? 1 : Solve(rate => AtMost(count, of, rate) > Tail));

    /// <summary>The rate at which something that holds at first ends.</summary>
    private static double Solve(Func<double, bool> holds)
    {
        var (low, high) = (0.0, 1.0);
        for (var i = 0; i < Halvings && low < high; i++)
        {
            var middle = low + ((high - low) / 2);
            (low, high) = holds(middle) ? (middle, high) : (low, middle);
        }

        return low;
    }
}
