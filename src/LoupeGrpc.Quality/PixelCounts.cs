namespace LoupeGrpc.Quality;

/// <summary>Pixels of a mask beside the truth; those of several pictures add up.</summary>
/// <param name="Hit">Forged, and called so.</param>
/// <param name="Extra">Not forged, and called so.</param>
/// <param name="Missed">Forged, and not called so.</param>
/// <param name="Clear">Neither.</param>
internal readonly record struct PixelCounts(long Hit, long Extra, long Missed, long Clear)
{
    /// <summary>Twice the pixels in both over the sum of both; null where neither has any.</summary>
    public double? F1 => Ratio(2 * Hit, (2 * Hit) + Extra + Missed);

    /// <summary>Intersection over union of the forged part; null where neither has any.</summary>
    public double? ForgedIou => Ratio(Hit, Hit + Extra + Missed);

    /// <summary>That and the background's, averaged, as the challenge does; null where one of them is not there.</summary>
    public double? MeanIou => (ForgedIou + Ratio(Clear, Clear + Extra + Missed)) / 2;

    public static PixelCounts operator +(PixelCounts a, PixelCounts b) => new(a.Hit + b.Hit, a.Extra + b.Extra, a.Missed + b.Missed, a.Clear + b.Clear);

    public static PixelCounts Add(PixelCounts a, PixelCounts b) => a + b;

    /// <param name="truth">Other than 0 where forged.</param>
    /// <param name="found">Likewise, of the same size.</param>
    public static PixelCounts Of(ReadOnlySpan<byte> truth, ReadOnlySpan<byte> found)
    {
        if (truth.Length != found.Length)
        {
            throw new ArgumentException($"The truth has {truth.Length} pixels, the mask {found.Length}.", nameof(found));
        }

        long hit = 0, extra = 0, missed = 0;
        for (var i = 0; i < truth.Length; i++)
        {
            var (isForged, isFound) = (truth[i] != 0, found[i] != 0);
            hit += isForged && isFound ? 1 : 0;
            extra += !isForged && isFound ? 1 : 0;
            missed += isForged && !isFound ? 1 : 0;
        }

        return new PixelCounts(hit, extra, missed, truth.Length - hit - extra - missed);
    }

    private static double? Ratio(long part, long whole) => whole == 0 ? null : (double)part / whole;
}
