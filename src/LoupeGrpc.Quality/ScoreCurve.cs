namespace LoupeGrpc.Quality;

/// <summary>What each threshold would find: the curve behind ROC, precision and recall. A picture is called forged from the threshold on.</summary>
internal sealed class ScoreCurve
{
    private readonly double[] _scores;
    private readonly int[] _forgedAt;
    private readonly int[] _authenticAt;

    private ScoreCurve(double[] scores, int[] forgedAt, int[] authenticAt)
    {
        (_scores, _forgedAt, _authenticAt) = (scores, forgedAt, authenticAt);
        var points = new CurvePoint[scores.Length];
        int found = 0, alarms = 0;
        for (var rank = 0; rank < scores.Length; rank++)
        {
            found += forgedAt[rank];
            alarms += authenticAt[rank];
            points[rank] = new CurvePoint(scores[rank], found, alarms);
        }

        (Points, Forged, Authentic) = (points, found, alarms);
    }

    /// <summary>One for each score that occurs, the highest first.</summary>
    public IReadOnlyList<CurvePoint> Points { get; }

    public int Forged { get; }

    public int Authentic { get; }

    /// <inheritdoc cref="RankCounts.Auc"/>
    public double? Auc => new RankCounts(_forgedAt, _authenticAt).Auc();

    /// <summary>Precision averaged over recall, each step at its own precision; null without a forged picture.</summary>
    public double? AveragePrecision => Forged == 0
        ? null
        : Points.Select((point, rank) => (double)_forgedAt[rank] / Forged * point.Found / (point.Found + point.FalseAlarms)).Sum();

    /// <exception cref="ArgumentException">A score is not finite.</exception>
    public static ScoreCurve Of(IReadOnlyCollection<JudgedPicture> pictures)
    {
        var scores = Ranks(pictures);
        var (forged, authentic) = (new int[scores.Length], new int[scores.Length]);
        foreach (var picture in pictures)
        {
            (picture.IsForged ? forged : authentic)[RankOf(scores, picture.Score)]++;
        }

        return new ScoreCurve(scores, forged, authentic);
    }

    /// <summary>The scores that occur, once each, the highest first.</summary>
    /// <exception cref="ArgumentException">One is not finite.</exception>
    public static double[] Ranks(IReadOnlyCollection<JudgedPicture> pictures) => pictures.All(static picture => double.IsFinite(picture.Score))
        ? [.. pictures.Select(static picture => picture.Score).Distinct().OrderDescending()]
        : throw new ArgumentException("A score is not a finite number: leave its picture out.", nameof(pictures));

    /// <summary>Where a score stands among <see cref="Ranks"/>.</summary>
    public static int RankOf(double[] ranks, double score) => Array.BinarySearch(ranks, score, Descending);

    /// <inheritdoc cref="RankCounts.RecallAt"/>
    public double? RecallAt(double falseAlarms) => new RankCounts(_forgedAt, _authenticAt).RecallAt(falseAlarms);

    /// <summary>What a threshold of one's own finds.</summary>
    public ThresholdFigures At(double threshold)
    {
        var last = Points.LastOrDefault(point => point.Threshold >= threshold);
        return new ThresholdFigures(threshold, last.Found, last.FalseAlarms, Forged, Authentic);
    }

    /// <summary>
    /// The threshold with the largest recall less false alarm rate (Youden's J), midway between two scores, so that it says nothing about a single picture; of equal
    /// ones that with the fewest false alarms. Null without a picture of each.
    /// </summary>
    public ThresholdFigures? Best()
    {
        if (Forged == 0 || Authentic == 0)
        {
            return null;
        }

        var best = Enumerable.Range(0, Points.Count).MaxBy(rank => ((double)Points[rank].Found / Forged) - ((double)Points[rank].FalseAlarms / Authentic));
        return At(Below(best));
    }

    /// <summary>The lowest threshold with at most that share of false alarms. Null without an authentic picture.</summary>
    /// <param name="falseAlarms">Share of the authentic pictures, 0 to 1.</param>
    public ThresholdFigures? AtFalseAlarms(double falseAlarms)
    {
        if (Authentic == 0)
        {
            return null;
        }

        var allowed = Points.TakeWhile(point => point.FalseAlarms <= falseAlarms * Authentic).Count();
        // Above the highest score nothing is called forged.
        return At(allowed == 0 ? double.BitIncrement(_scores[0]) : Below(allowed - 1));
    }

    /// <summary>Midway between a score and the next lower one, where that is a number between them.</summary>
    private double Below(int rank)
    {
        if (rank + 1 == _scores.Length)
        {
            return _scores[rank];
        }

        var middle = _scores[rank + 1] + ((_scores[rank] - _scores[rank + 1]) / 2);
        return middle > _scores[rank + 1] ? middle : _scores[rank];
    }

    private static readonly Comparer<double> Descending = Comparer<double>.Create(static (a, b) => b.CompareTo(a));
}
