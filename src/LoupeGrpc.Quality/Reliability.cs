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

    /// <param name="balanced">Authentic and forged pictures weigh the same together, however many there are of each; with a picture of each class only.</param>
    /// <returns>Null without pictures, and where a score is no probability.</returns>
    public static Reliability? Of(IReadOnlyCollection<JudgedPicture> pictures, bool balanced = false)
    {
        if (pictures.Count == 0 || !pictures.All(static picture => picture.Score is >= 0 and <= 1))
        {
            return null;
        }

        var forged = pictures.Count(static picture => picture.IsForged);
        double WeightOf(JudgedPicture picture) => !balanced ? 1.0 / pictures.Count : 0.5 / (picture.IsForged ? forged : pictures.Count - forged);
        double Mean(IEnumerable<JudgedPicture> some, Func<JudgedPicture, double> figure) => some.Sum(picture => WeightOf(picture) * figure(picture)) / some.Sum(WeightOf);
        var bins = pictures.GroupBy(static picture => Math.Min((int)(picture.Score * BinCount), BinCount - 1))
            .OrderBy(static bin => bin.Key)
            .Select(bin => (
                Weight: bin.Sum(WeightOf),
                Bin: new ReliabilityBin(
                    (double)bin.Key / BinCount,
                    (double)(bin.Key + 1) / BinCount,
                    bin.Count(),
                    Mean(bin, static picture => picture.Score),
                    Mean(bin, static picture => picture.IsForged ? 1 : 0))))
            .ToList();
        return new Reliability(
            [.. bins.Select(static bin => bin.Bin)],
            bins.Sum(static bin => bin.Weight * Math.Abs(bin.Bin.MeanScore - bin.Bin.ForgedShare)),
            Mean(pictures, static picture => Math.Pow(picture.Score - (picture.IsForged ? 1 : 0), 2)));
    }
}

/// <summary>Pictures with nearly the same score.</summary>
/// <param name="From">Lowest score that belongs to it.</param>
/// <param name="To">That of the next bin; in the last one 1, which belongs to it.</param>
/// <param name="Count">Pictures.</param>
/// <param name="MeanScore">Of these.</param>
/// <param name="ForgedShare">Of these, 0 to 1.</param>
internal sealed record ReliabilityBin(double From, double To, int Count, double MeanScore, double ForgedShare);
