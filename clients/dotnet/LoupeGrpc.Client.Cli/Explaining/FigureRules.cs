using LoupeGrpc.Quality;

namespace LoupeGrpc.Client.Cli.Explaining;

/// <summary>When there is something to say of an evaluation: one rule a sentence, in the order of the sentences.</summary>
internal static class FigureRules
{
    private const double Chance = 0.5;

    /// <summary>An interval of this width leaves open what a reader would ask first: 0.85 or 0.95?</summary>
    private const double Wide = 0.1;

    /// <summary>In shares: who reads a score of 0.8 as "four of five" is not led astray by less.</summary>
    private const double Fitting = 0.05;

    /// <summary>Ten a bin: with fewer the error that chance alone makes is as large as those that are told.</summary>
    private const int CalibrationNeeds = 10 * Reliability.BinCount;

    public static IReadOnlyList<(FigureCode Code, Func<Findings, IReadOnlyList<Fact>?> Look)> All { get; } =
    [
        (FigureCode.OnlyForged, static found => found.Curve is { Forged: > 0, Authentic: 0 } ? [Pictures(found)] : null),
        (FigureCode.OnlyAuthentic, static found => found.Curve is { Forged: 0, Authentic: > 0 } ? [Pictures(found)] : null),
        (FigureCode.AucAboveChance, static found => found.AucInterval is { Low: > Chance } interval ? Auc(found, interval) : null),
        (FigureCode.AucAtChance, static found => found.AucInterval is { Low: <= Chance, High: >= Chance } interval ? Auc(found, interval) : null),
        (FigureCode.AucBelowChance, static found => found.AucInterval is { High: < Chance } interval ? Auc(found, interval) : null),
        (FigureCode.AucAlone, static found => found.Figures.Auc is { } auc && found.AucInterval is null ? [new("auc", auc)] : null),
        (FigureCode.AucUncertain, static found => found.AucInterval is { } interval && interval.High - interval.Low > Wide
            ? [new("auc_width", interval.High - interval.Low), new("forged", found.Curve.Forged), new("authentic", found.Curve.Authentic)]
            : null),
        (FigureCode.ServedThreshold, static found => found.HasBoth && found.Served is { } served && found.Curve.At(served.High) is { Recall: { } recall, FalseAlarmRate: { } alarms }
            ? [new("high", served.High), new("served_recall", recall), new("served_false_alarms", alarms)]
            : null),
        (FigureCode.BestThreshold, static found => found.Served is null ? Best(found) : null),
        (FigureCode.BestThresholdAbove, static found => BestBesideServed(found, static (best, _, high) => best > high)),
        (FigureCode.BestThresholdBetween, static found => BestBesideServed(found, static (best, low, high) => best >= low && best <= high)),
        (FigureCode.BestThresholdBelow, static found => BestBesideServed(found, static (best, low, _) => best < low)),
        (FigureCode.RecallAtOnePercent, static found => RecallAt(found, 0.01)),
        (FigureCode.OnePercentIsNone, static found => NoneAllowedAt(found, 0.01)),
        (FigureCode.RecallAtFivePercent, static found => RecallAt(found, 0.05)),
        (FigureCode.FivePercentIsNone, static found => NoneAllowedAt(found, 0.05)),
        (FigureCode.ScoresFit, static found => Calibration(found) is { } error && error.Size <= Fitting ? [new("ece", error.Size), new("forged_share", ForgedShare(found))] : null),
        (FigureCode.ScoresTooHigh, static found => Calibration(found) is { } error && error.Size > Fitting && error.Signed > error.Size / 2 ? [new("ece", error.Size)] : null),
        (FigureCode.ScoresTooLow, static found => Calibration(found) is { } error && error.Size > Fitting && error.Signed < -error.Size / 2 ? [new("ece", error.Size)] : null),
        (FigureCode.ScoresAstray, static found => Calibration(found) is { } error && error.Size > Fitting && Math.Abs(error.Signed) <= error.Size / 2 ? [new("ece", error.Size)] : null),
        (FigureCode.ScoresNoProbabilities, static found => found.Figures is { Pictures: > 0, Reliability: null } ? [] : null),
        (FigureCode.TooFewForCalibration, static found => found is { HasBoth: true, Figures: { Pictures: < CalibrationNeeds, Reliability: not null } } ? [Pictures(found), new("needed", CalibrationNeeds)] : null),
        (FigureCode.GroupsDiffer, static found => Extremes(found) is { } pair && pair.Lower.Interval.High < pair.Higher.Interval.Low
            ? [
                new("lower_group", 0, pair.Lower.Name), new("lower_auc", pair.Lower.Auc), new("higher_group", 0, pair.Higher.Name), new("higher_auc", pair.Higher.Auc),
            ]
            : null),
        (FigureCode.GroupsAlike, static found => Extremes(found) is { } pair && pair.Lower.Interval.High >= pair.Higher.Interval.Low ? [new("groups", found.Compared.Count())] : null),
        (FigureCode.GroupsWithoutAuc, static found => found.Groups.Count(static group => group.Figures.Auc is null) is > 0 and var without
            ? [new("groups_without", without), new("groups", found.Groups.Count)]
            : null),
    ];

    private static Fact Pictures(Findings found) => new("pictures", found.Figures.Pictures);

    private static double ForgedShare(Findings found) => (double)found.Curve.Forged / found.Figures.Pictures;

    private static Fact[] Auc(Findings found, Interval interval) => [new("auc", found.Figures.Auc!.Value), new("auc_low", interval.Low), new("auc_high", interval.High)];

    /// <summary>Where scores cannot be told from guesses, none of the thresholds is better than another.</summary>
    private static Fact[]? Best(Findings found) =>
        found.AucInterval is not { Low: <= Chance } && found.Curve.Best() is { Recall: { } recall, FalseAlarmRate: { } alarms } best
            ? [new("best", best.Threshold), new("best_recall", recall), new("best_false_alarms", alarms)]
            : null;

    private static Fact[]? BestBesideServed(Findings found, Func<double, double, double, bool> lies) =>
        found.Served is { } served && Best(found) is { } best && lies(best[0].Value, served.Low, served.High) ? [.. best, new("low", served.Low), new("high", served.High)] : null;

    /// <summary>How many of so many a rate allows; 0.05 is less than 1 / 20 for a computer.</summary>
    private static int Allowed(Findings found, double rate) => (int)Math.Floor((rate * found.Curve.Authentic) + 1e-9);

    private static Fact[]? RecallAt(Findings found, double rate) => found.HasBoth && Allowed(found, rate) > 0 && found.Curve.RecallAt(rate) is { } recall
        ? [new("rate", rate), new("allowed", Allowed(found, rate)), new("authentic", found.Curve.Authentic), new("recall", recall)]
        : null;

    private static Fact[]? NoneAllowedAt(Findings found, double rate) => found.HasBoth && Allowed(found, rate) == 0 && found.Curve.RecallAt(rate) is { } recall
        ? [new("rate", rate), new("authentic", found.Curve.Authentic), new("recall", recall), new("needed", Math.Ceiling((1 / rate) - 1e-9))]
        : null;

    /// <summary>The expected calibration error, and the same with its sign: above 0 where scores are higher than shares. Null where it is not to be told.</summary>
    private static (double Size, double Signed)? Calibration(Findings found) => found is { HasBoth: true, Figures: { Pictures: >= CalibrationNeeds, Reliability: { } reliability } }
        ? (reliability.ExpectedError, reliability.Bins.Sum(bin => (bin.MeanScore - bin.ForgedShare) * bin.Count) / found.Figures.Pictures)
        : null;

    /// <summary>The groups with the lowest and the highest AUC; null where there are not two.</summary>
    private static ((string Name, double Auc, Interval Interval) Lower, (string Name, double Auc, Interval Interval) Higher)? Extremes(Findings found)
    {
        var compared = found.Compared.ToList();
        return compared.Count < 2 ? null : (compared.MinBy(static group => group.Auc), compared.MaxBy(static group => group.Auc));
    }
}
