namespace LoupeGrpc.Quality;

/// <summary>
/// How many pictures of a sample may lie beyond a threshold for which a rate is promised on other pictures of the kind, whatever the distribution of their scores. The share
/// beyond the (k + 1)th largest of n has the distribution Beta(k + 1, n - k) (Wilks), with the mean (k + 1) / (n + 1).
/// </summary>
/// <param name="Rate">At most this share, above 0 and below 1.</param>
/// <param name="Confidence">How sure, above 0 and below 1; null: on average over samples.</param>
internal readonly record struct RatePromise(double Rate, double? Confidence)
{
    /// <summary>That 0.05 is less than 1 / 20 for a computer.</summary>
    private const double Rounding = 1e-9;

    /// <summary>Null: of a sample so small nothing can be promised, even of a threshold beyond all of it.</summary>
    /// <param name="sample">Pictures.</param>
    public int? Allowed(int sample)
    {
        if (Confidence is not { } confidence)
        {
            var average = (int)Math.Floor((Rate * (sample + 1)) + Rounding) - 1;
            return average < 0 || sample == 0 ? null : Math.Min(average, sample - 1);
        }

        int? allowed = null;
        var (least, most) = (0, sample - 1);
        while (least <= most)
        {
            var middle = least + ((most - least) / 2);
            if (Binomial.AtMost(middle, sample, Rate) <= 1 - confidence + Rounding)
            {
                (allowed, least) = (middle, middle + 1);
            }
            else
            {
                most = middle - 1;
            }
        }

        return allowed;
    }

    /// <summary>The smallest sample of which something can be promised.</summary>
    public int Needed => Confidence is { } confidence
        ? (int)Math.Ceiling((double.LogP1(-confidence) / double.LogP1(-Rate)) - Rounding)
        : Math.Max(1, (int)Math.Ceiling((1 / Rate) - 1 - Rounding));
}
