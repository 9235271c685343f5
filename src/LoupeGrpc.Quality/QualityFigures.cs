namespace LoupeGrpc.Quality;

/// <summary>How good scores and masks are on pictures of which the truth is known. A figure is null where there is nothing to compute it from.</summary>
internal sealed class QualityFigures
{
    /// <summary>The authors count a picture as forged above it.</summary>
    private const double AuthorsThreshold = 0.5;

    private QualityFigures(IReadOnlyList<JudgedPicture> pictures, int samples, int seed)
    {
        Curve = ScoreCurve.Of(pictures);
        Reliability = Reliability.Of(pictures);
        var compared = pictures.Where(static picture => picture.IsForged && picture.Pixels is not null).ToList();
        Compared = compared.Count;
        Pixels = compared.Aggregate(default(PixelCounts), static (sum, picture) => sum + picture.Pixels!.Value);
        var above = Curve.At(double.BitIncrement(AuthorsThreshold));
        (Accuracy, ImageF1) = (above.Accuracy, above.F1);
        Intervals = QualityIntervals.Of(pictures, samples, seed);
    }

    /// <summary>The shares of false alarms at which recall is told.</summary>
    public static IReadOnlyList<double> FalseAlarmRates { get; } = [0.01, 0.05];

    public ScoreCurve Curve { get; }

    /// <summary>Null where scores are no probabilities.</summary>
    public Reliability? Reliability { get; }

    /// <summary>Null where none were asked for.</summary>
    public QualityIntervals? Intervals { get; }

    public int Pictures => Curve.Forged + Curve.Authentic;

    /// <summary>Forged pictures whose mask was held against the truth.</summary>
    public int Compared { get; }

    /// <summary>Of all of these together, as the challenge counts.</summary>
    public PixelCounts Pixels { get; }

    /// <inheritdoc cref="RankCounts.Auc"/>
    public double? Auc => Curve.Auc;

    /// <summary>Of pixels, over forged pictures alone.</summary>
    public double? F1 => Pixels.F1;

    /// <summary>Mean of forged part and background, over forged pictures alone.</summary>
    public double? Iou => Pixels.MeanIou;

    /// <summary>The challenge's figure: mean of AUC, F1 and IoU.</summary>
    public double? Overall => (Auc + F1 + Iou) / 3;

    /// <summary>Share of the pictures that are on their side of 0.5; as the authors do, a score of 0.5 is on that of the authentic ones.</summary>
    public double? Accuracy { get; }

    /// <summary>F1 of whole pictures at the same threshold.</summary>
    public double? ImageF1 { get; }

    /// <param name="pictures">Each with a finite score; may be none.</param>
    /// <param name="samples">How many samples intervals are drawn from; 0: no intervals.</param>
    /// <param name="seed">The same seed gives the same intervals.</param>
    /// <exception cref="ArgumentException">A score is not finite.</exception>
    public static QualityFigures Of(IReadOnlyList<JudgedPicture> pictures, int samples = 0, int seed = 0) => new(pictures, samples, seed);
}
