using LoupeGrpc.Quality;
using Xunit;

namespace LoupeGrpc.UnitTests.Quality;

public sealed class CalibrationTests
{
    private static readonly CalibrationGoal Wish = new(new RatePromise(0.1, null), LogitMap.None, 0.4, 0.6);

    [Theory]
    [InlineData(0.05, null, 19)]
    [InlineData(0.05, 0.95, 59)]
    [InlineData(0.01, 0.95, 299)]
    [InlineData(0.9, null, 1)]
    public void What_is_needed_is_the_least_that_allows_anything(double rate, double? confidence, int needed)
    {
        var promise = new RatePromise(rate, confidence);

        Assert.Equal(needed, promise.Needed);
        Assert.NotNull(promise.Allowed(needed));
        Assert.Null(promise.Allowed(needed - 1));
    }

    [Theory]
    [InlineData(0, 2.5)]
    [InlineData(1, 1.5)]
    [InlineData(2, 0.5)]
    public void A_threshold_lies_between_what_it_parts(int allowed, double expected)
    {
        double[] logits = [1, 0, 2, -5];

        var above = LogitThreshold.Above(logits, allowed);
        Assert.Equal(expected, above);
        Assert.Equal(allowed, logits.Count(logit => logit >= above));
        Assert.Equal(-expected, LogitThreshold.Below(logits.Select(static logit => -logit), allowed));
    }

    [Fact]
    public void Equal_logits_are_on_one_side_of_a_threshold()
    {
        Assert.Equal(1.5, LogitThreshold.Above([2, 1, 1, 1, 0], 2));
        Assert.InRange(LogitThreshold.Above([7, 7, 7], 2), 7.0001, 7.1);
        Assert.Equal(Math.BitIncrement(1.0), LogitThreshold.Above([1, Math.BitIncrement(1.0)], 1));
    }

    [Fact]
    public void Classes_that_do_not_overlap_have_a_finite_temperature()
    {
        var fit = Fitted([.. Row(20, -3, forged: false), .. Row(20, 3, forged: true)]);

        Assert.Empty(fit.Gaps.Except([CalibrationGap.TilesUnsupported]));
        Assert.InRange(fit.Map.Temperature, 0.1, 10);
        Assert.Equal(0, fit.Map.Bias, 1e-9);
        // Nothing is uncertain where both wishes can be had at one threshold.
        Assert.Equal(fit.High, fit.Low);
        Assert.InRange(fit.High, fit.Map.Of(-3, false), fit.Map.Of(3, false));
    }

    [Fact]
    public void Of_authentic_pictures_alone_the_map_stays_and_both_thresholds_move()
    {
        var before = new LogitMap(2, -1, 0.5);
        var fit = Calibration.Of([.. Row(39, 4, forged: false)], Wish with { Before = before }, hasTiles: true)!;

        Assert.Equal(before, fit.Map);
        Assert.Equal([CalibrationGap.TooFewToFit, CalibrationGap.TilesUnsupported, CalibrationGap.TooFewForLow], fit.Gaps);
        Assert.Equal(3, Row(39, 4, forged: false).Count(picture => fit.Map.Of(picture) >= fit.High));
        Assert.Equal(fit.High - (2 * Math.Log(1.5)), fit.Low, 1e-12);
    }

    [Fact]
    public void The_bias_of_tiles_makes_one_threshold_good_for_both_paths()
    {
        List<JudgedLogit> pictures = [.. Row(50, 0, forged: false), .. Row(50, 4, forged: true), .. Row(29, 2.5, forged: false, tiled: true)];

        var fit = Calibration.Of(pictures, Wish, hasTiles: true)!;

        Assert.Empty(fit.Gaps);
        Assert.Equal(4, pictures.Count(picture => picture is { IsForged: false, IsTiled: false } && fit.Map.Of(picture) >= fit.High));
        Assert.Equal(2, pictures.Count(picture => picture is { IsForged: false, IsTiled: true } && fit.Map.Of(picture) >= fit.High));
        Assert.InRange(fit.Map.TileBias, 2.4, 2.6);
    }

    [Fact]
    public void Of_pictures_in_tiles_alone_their_bias_stays_and_the_temperature_is_theirs()
    {
        var before = LogitMap.None with { TileBias = 7 };
        var shifted = Calibration.Of([.. Row(30, 5, forged: false, tiled: true), .. Row(30, 9, forged: true, tiled: true)], Wish with { Before = before }, hasTiles: true)!;
        var whole = Fitted([.. Row(30, 5, forged: false), .. Row(30, 9, forged: true)]);

        Assert.Equal([CalibrationGap.WholeUnsupported], shifted.Gaps);
        Assert.Equal(7, shifted.Map.TileBias);
        Assert.Equal(whole.Map.Of(6, false), shifted.Map.Of(6, true), 1e-9);
        Assert.Equal(whole.High, shifted.High, 1e-9);
    }

    [Fact]
    public void What_tells_nothing_apart_is_not_fitted()
    {
        var same = Fitted([.. Row(20, 1, forged: false, spread: 0), .. Row(20, 1, forged: true, spread: 0)]);
        var wrong = Fitted([.. Row(20, 3, forged: false), .. Row(20, 1, forged: true)]);

        Assert.Equal((CalibrationGap.NothingToFit, LogitMap.None), (Assert.Single(same.Gaps), same.Map));
        Assert.InRange(same.High, 1.0001, 1.1);
        Assert.Equal((CalibrationGap.WrongOrder, LogitMap.None), (Assert.Single(wrong.Gaps), wrong.Map));
    }

    [Fact]
    public void Too_few_of_both_paths_promise_nothing()
    {
        Assert.Null(Calibration.Of([.. Row(8, 0, forged: false), .. Row(8, 0, forged: false, tiled: true), .. Row(100, 3, forged: true)], Wish, hasTiles: true));
        Assert.Null(Calibration.Of([], Wish, hasTiles: false));
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void What_is_no_number_is_refused(double logit)
    {
        List<JudgedLogit> pictures = [.. Row(20, 0, forged: false), new(true, false, logit)];

        Assert.Throws<ArgumentException>(() => Calibration.Of(pictures, Wish, hasTiles: false));
        Assert.Throws<ArgumentException>(() => LogisticFit.Of(pictures));
    }

    [Fact]
    public void Pictures_are_judged_by_a_map_that_was_fitted_without_them()
    {
        List<JudgedLogit> pictures = [.. Row(25, 0, forged: false), .. Row(25, 1, forged: true)];
        var fit = Fitted(pictures);

        var heldOut = CalibrationErrors.HeldOut(pictures, fit, Wish, hasTiles: false)!;

        Assert.Equal(pictures.Count, heldOut.Count);
        Assert.DoesNotContain(heldOut.Select(static picture => picture.Logit), pictures.Select(fit.Map.Of).Contains);
        // Fifths of ten pictures are too few for what ten were enough for.
        List<JudgedLogit> few = [.. Row(12, 0, forged: false), .. Row(12, 1, forged: true)];
        Assert.Null(CalibrationErrors.HeldOut(few, Fitted(few), Wish, hasTiles: false));
    }

    [Fact]
    public void A_balanced_error_does_not_depend_on_how_many_there_are_of_a_class()
    {
        List<JudgedLogit> pictures = [.. Row(10, -1, forged: false), .. Row(10, 1, forged: true)];
        List<JudgedLogit> mixed = [.. Enumerable.Repeat(pictures.Where(static picture => !picture.IsForged), 7).SelectMany(static all => all), .. pictures.Where(static picture => picture.IsForged)];

        var (one, other) = (CalibrationErrors.Of(pictures)!.Value, CalibrationErrors.Of(mixed)!.Value);

        Assert.Equal(one.LogLoss, other.LogLoss, 1e-12);
        Assert.Equal(one.ExpectedError, other.ExpectedError, 1e-12);
        Assert.Null(CalibrationErrors.Of([.. Row(3, 0, forged: true)]));
    }

    private static Calibration Fitted(IReadOnlyCollection<JudgedLogit> pictures) => Calibration.Of(pictures, Wish, hasTiles: false)!;

    /// <summary>Evenly spread, from <paramref name="centre"/> - <paramref name="spread"/> to + <paramref name="spread"/>.</summary>
    private static IEnumerable<JudgedLogit> Row(int count, double centre, bool forged, bool tiled = false, double spread = 1) =>
        Enumerable.Range(0, count).Select(index => new JudgedLogit(forged, tiled, centre + (spread * ((2.0 * index / (count - 1)) - 1))));
}
