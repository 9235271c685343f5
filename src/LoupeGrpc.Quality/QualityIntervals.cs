using System.Diagnostics.CodeAnalysis;

namespace LoupeGrpc.Quality;

/// <summary>
/// How far figures would move with other pictures of the same kind: percentiles of samples drawn with replacement, forged and authentic pictures apart, so that each
/// sample has as many of either.
/// </summary>
/// <param name="Auc">Null where the figure itself is not there, as with the others.</param>
/// <param name="F1">Of pixels.</param>
/// <param name="Iou">Mean of forged part and background.</param>
/// <param name="Overall">Mean of the three.</param>
/// <param name="RecallAtFar">By share of false alarms.</param>
internal sealed record QualityIntervals(Interval? Auc, Interval? F1, Interval? Iou, Interval? Overall, IReadOnlyDictionary<double, Interval?> RecallAtFar)
{
    /// <param name="pictures">Those that the figures are of.</param>
    /// <param name="samples">How many are drawn; 0: none, and no intervals.</param>
    /// <param name="seed">The same seed draws the same samples.</param>
    [SuppressMessage("Security", "CA5394:Do not use insecure randomness", Justification = "Samples that anybody can draw again.")]
    public static QualityIntervals? Of(IReadOnlyList<JudgedPicture> pictures, int samples, int seed)
    {
        if (samples == 0 || pictures.Count == 0)
        {
            return null;
        }

        var ranks = ScoreCurve.Ranks(pictures);
        var places = pictures.Select(picture => ScoreCurve.RankOf(ranks, picture.Score)).ToArray();
        int[] forged = [.. Enumerable.Range(0, pictures.Count).Where(index => pictures[index].IsForged)];
        int[] authentic = [.. Enumerable.Range(0, pictures.Count).Where(index => !pictures[index].IsForged)];
        var (forgedAt, authenticAt) = (new int[ranks.Length], new int[ranks.Length]);
        var random = new Random(seed);
        var (auc, f1, iou, overall) = (new double?[samples], new double?[samples], new double?[samples], new double?[samples]);
        var recall = QualityFigures.FalseAlarmRates.ToDictionary(static rate => rate, _ => new double?[samples]);
        for (var sample = 0; sample < samples; sample++)
        {
            Array.Clear(forgedAt);
            Array.Clear(authenticAt);
            var pixels = default(PixelCounts);
            foreach (var _ in forged)
            {
                var drawn = forged[random.Next(forged.Length)];
                forgedAt[places[drawn]]++;
                pixels += pictures[drawn].Pixels ?? default;
            }

            foreach (var _ in authentic)
            {
                authenticAt[places[authentic[random.Next(authentic.Length)]]]++;
            }

            var counts = new RankCounts(forgedAt, authenticAt);
            (auc[sample], f1[sample], iou[sample]) = (counts.Auc(), pixels.F1, pixels.MeanIou);
            overall[sample] = (auc[sample] + f1[sample] + iou[sample]) / 3;
            foreach (var (rate, values) in recall)
            {
                values[sample] = counts.RecallAt(rate);
            }
        }

        return new QualityIntervals(
            Interval.Of(auc), Interval.Of(f1), Interval.Of(iou), Interval.Of(overall), recall.ToDictionary(static pair => pair.Key, static pair => Interval.Of(pair.Value)));
    }
}
