namespace LoupeGrpc.Quality;

/// <summary>Whether scores can be read as probabilities: of the pictures with a score near 0.8, are 80 % forged?</summary>
internal sealed class Reliability
{
    /// <summary>Bins of equal width, as is usual.</summary>
    public const int BinCount = 10;

    private Reliability(IReadOnlyList<ReliabilityBin> bins, double error, double brier) => (Bins, ExpectedError, Brier) = (bins, error, brier);

    /// <summary>Those that hold a picture, from the lowest on.</summary>
    public IReadOnlyList<ReliabilityBin> Bins { get; }

    /// <summary>Expected calibration error: how far score and share of forged are apart, over all pictures; 0 to 1, 0 is best.</summary>
    public double ExpectedError { get; }

    /// <summary>Mean squared distance between score and truth; 0 to 1, 0 is best.</summary>
    public double Brier { get; }

    /// <returns>Null without pictures, and where a score is no probability.</returns>
    public static Reliability? Of(IReadOnlyCollection<JudgedPicture> pictures)
    {
        if (pictures.Count == 0 || !pictures.All(static picture => picture.Score is >= 0 and <= 1))
        {
            return null;
        }

        ReliabilityBin[] bins =
        [
            .. pictures.GroupBy(static picture => Math.Min((int)(picture.Score * BinCount), BinCount - 1))
                .OrderBy(static bin => bin.Key)
                .Select(static bin => new ReliabilityBin(
                    (double)bin.Key / BinCount,
                    (double)(bin.Key + 1) / BinCount,
                    bin.Count(),
                    bin.Average(static picture => picture.Score),
                    bin.Average(static picture => picture.IsForged ? 1.0 : 0.0))),
        ];
        var error = bins.Sum(bin => bin.Count * Math.Abs(bin.MeanScore - bin.ForgedShare)) / pictures.Count;
        return new Reliability(bins, error, pictures.Average(static picture => Math.Pow(picture.Score - (picture.IsForged ? 1 : 0), 2)));
    }
}

/// <summary>Pictures with nearly the same score.</summary>
/// <param name="From">Lowest score that belongs to it.</param>
/// <param name="To">That of the next bin; in the last one 1, which belongs to it.</param>
/// <param name="Count">Pictures.</param>
/// <param name="MeanScore">Of these.</param>
/// <param name="ForgedShare">Of these, 0 to 1.</param>
internal sealed record ReliabilityBin(double From, double To, int Count, double MeanScore, double ForgedShare);
