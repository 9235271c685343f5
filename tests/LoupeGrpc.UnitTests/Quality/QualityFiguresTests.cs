using LoupeGrpc.Quality;
using Xunit;

namespace LoupeGrpc.UnitTests.Quality;

public sealed class QualityFiguresTests
{
    [Fact]
    public void Of_nothing_there_are_no_figures()
    {
        var figures = QualityFigures.Of([], samples: 10);

        Assert.Equal(0, figures.Pictures);
        Assert.Equal(
            new double?[9],
            [figures.Auc, figures.F1, figures.Iou, figures.Overall, figures.Accuracy, figures.ImageF1, figures.Curve.AveragePrecision, figures.Curve.RecallAt(0.05), figures.Reliability?.ExpectedError]);
        Assert.Null(figures.Curve.Best());
        Assert.Null(figures.Curve.AtFalseAlarms(0.05));
        Assert.Null(figures.Intervals);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Of_one_class_there_is_no_curve_and_the_rest_stands(bool isForged)
    {
        var figures = QualityFigures.Of([new(isForged, 0.9, new PixelCounts(2, 1, 1, 4)), new(isForged, 0.2)], samples: 20);

        Assert.Null(figures.Auc);
        Assert.Null(figures.Overall);
        Assert.Null(figures.Curve.RecallAt(0.05));
        Assert.Null(figures.Curve.Best());
        Assert.Null(figures.Intervals!.Auc);
        Assert.Equal(0.5, figures.Accuracy);
        Assert.Equal(isForged ? 4.0 / 6 : null, figures.F1);
        Assert.Equal(isForged ? ((2.0 / 4) + (4.0 / 6)) / 2 : null, figures.Iou);
        Assert.Equal(isForged ? new Interval(4.0 / 6, 4.0 / 6) : null, figures.Intervals.F1);
        Assert.Equal(isForged ? null : 0.5, figures.Curve.At(0.5).FalseAlarmRate);
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void A_score_that_is_no_number_is_refused(double score) =>
        Assert.Contains("not a finite number", Assert.Throws<ArgumentException>(() => QualityFigures.Of([new(true, 0.5), new(false, score)])).Message, StringComparison.Ordinal);

    [Fact]
    public void Ties_count_half()
    {
        var figures = QualityFigures.Of([new(true, 0.5), new(false, 0.5), new(true, 0.5), new(false, 0.5)]);

        Assert.Equal(0.5, figures.Auc);
        Assert.Equal(new CurvePoint(0.5, 2, 2), Assert.Single(figures.Curve.Points));
        Assert.Equal(0.0, figures.Curve.RecallAt(0.05));
        Assert.Equal(0.5, figures.Curve.AveragePrecision);
        // As the authors do: 0.5 is not above 0.5.
        Assert.Equal((0.5, 0.0), (figures.Accuracy, figures.ImageF1));
    }

    [Fact]
    public void Every_forged_mask_that_is_not_found_is_zero_and_an_empty_truth_is_nothing()
    {
        Assert.Equal(0, new PixelCounts(0, 0, 5, 5).F1);
        Assert.Null(new PixelCounts(0, 0, 0, 5).F1);
        Assert.Null(new PixelCounts(0, 0, 0, 5).MeanIou);
        Assert.Equal(new PixelCounts(1, 1, 1, 1), PixelCounts.Of([255, 0, 1, 0], [9, 1, 0, 0]));
        Assert.Throws<ArgumentException>(static () => PixelCounts.Of([1], [1, 0]));
    }

    [Fact]
    public void Pixels_of_authentic_pictures_do_not_count()
    {
        var figures = QualityFigures.Of([new(true, 0.9, new PixelCounts(1, 0, 0, 1)), new(false, 0.1, new PixelCounts(0, 100, 0, 0))]);

        Assert.Equal((1.0, 1.0, 1.0, 1), (figures.F1, figures.Iou, figures.Overall, figures.Compared));
    }

    [Fact]
    public void Recall_is_that_of_the_lowest_threshold_within_the_false_alarms()
    {
        // One authentic picture in twenty is above most of the forged ones.
        JudgedPicture[] pictures = [new(true, 0.95), new(false, 0.9), new(true, 0.8), new(true, 0.7), new(true, 0.1), .. Enumerable.Range(0, 19).Select(static i => new JudgedPicture(false, 0.5 - (i / 100.0)))];
        var curve = ScoreCurve.Of(pictures);

        Assert.Equal(0.25, curve.RecallAt(0.01));
        Assert.Equal(0.75, curve.RecallAt(0.05));
        Assert.Equal(1.0, curve.RecallAt(1));
        Assert.Equal((3, 1), Counts(curve.AtFalseAlarms(0.05)!));
        Assert.Equal(0.6, curve.AtFalseAlarms(0.05)!.Threshold, 12);
        Assert.Equal((1, 0), Counts(curve.AtFalseAlarms(0)!));
        Assert.Equal(0.6, curve.Best()!.Threshold, 12);
    }

    [Fact]
    public void Where_no_false_alarm_is_allowed_and_an_authentic_score_is_the_highest_nothing_is_called_forged()
    {
        var curve = ScoreCurve.Of([new(false, 0.9), new(true, 0.8)]);

        Assert.Equal((0, 0), Counts(curve.AtFalseAlarms(0)!));
        Assert.True(curve.AtFalseAlarms(0)!.Threshold > 0.9);
    }

    [Fact]
    public void A_threshold_lies_between_scores_also_where_no_number_does()
    {
        var curve = ScoreCurve.Of([new(true, double.BitIncrement(0.5)), new(false, 0.5)]);

        Assert.Equal((1, 0), Counts(curve.Best()!));
    }

    [Fact]
    public void A_threshold_finds_what_has_its_score()
    {
        var figures = ScoreCurve.Of([new(true, 0.6), new(true, 0.2), new(false, 0.6), new(false, 0.1)]).At(0.6);

        Assert.Equal((0.5, 0.5, 0.5, 0.5, 0.5), (figures.Recall, figures.FalseAlarmRate, figures.Precision, figures.F1, figures.Accuracy));
        Assert.Null(ScoreCurve.Of([new(true, 0.6)]).At(0.7).Precision);
    }

    [Fact]
    public void Intervals_are_the_same_for_the_same_seed_and_hold_the_figure()
    {
        var random = new Random(7);
        JudgedPicture[] pictures =
        [
            .. Enumerable.Range(0, 60).Select(i => new JudgedPicture(i % 2 == 0, Math.Clamp((i % 2 == 0 ? 0.6 : 0.4) + ((random.NextDouble() - 0.5) * 0.8), 0, 1), new PixelCounts(random.Next(10, 50), random.Next(20), random.Next(20), 100))),
        ];
        var (once, again, other) = (QualityFigures.Of(pictures, 200, 1), QualityFigures.Of(pictures, 200, 1), QualityFigures.Of(pictures, 200, 2));

        Assert.Equal(once.Intervals!.Auc, again.Intervals!.Auc);
        Assert.NotEqual(once.Intervals.Auc, other.Intervals!.Auc);
        foreach (var (figure, interval) in new[] { (once.Auc, once.Intervals.Auc), (once.F1, once.Intervals.F1), (once.Iou, once.Intervals.Iou), (once.Overall, once.Intervals.Overall) })
        {
            Assert.InRange(figure!.Value, interval!.Value.Low, interval.Value.High);
            Assert.True(interval.Value.Low < interval.Value.High);
        }

        // 30 of each: the standard error of Hanley and McNeil for this AUC is some 0.06, so the interval is some 0.24 wide.
        Assert.InRange(once.Intervals.Auc!.Value.High - once.Intervals.Auc.Value.Low, 0.1, 0.4);
    }

    [Fact]
    public void Reliability_says_how_far_scores_and_shares_are_apart()
    {
        // Of those called 0.8 half are forged, of those called 0.2 none.
        var reliability = Reliability.Of([new(true, 0.8), new(false, 0.8), new(false, 0.2), new(false, 0.2)])!;

        Assert.Equal([new(0.2, 0.3, 2, 0.2, 0), new ReliabilityBin(0.8, 0.9, 2, 0.8, 0.5)], reliability.Bins);
        Assert.Equal(((0.2 * 2) + (0.3 * 2)) / 4, reliability.ExpectedError, 12);
        Assert.Equal((0.04 + 0.64 + 0.04 + 0.04) / 4, reliability.Brier, 12);
        Assert.Equal(0.9, Assert.Single(Reliability.Of([new(true, 1.0)])!.Bins).From);
        Assert.Null(Reliability.Of([new(true, 1.5)]));
    }

    private static (int Found, int FalseAlarms) Counts(ThresholdFigures figures) => (figures.Found, figures.FalseAlarms);
}
