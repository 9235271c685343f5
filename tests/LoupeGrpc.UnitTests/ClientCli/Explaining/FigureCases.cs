using LoupeGrpc.Client.Cli.Explaining;
using LoupeGrpc.Quality;

namespace LoupeGrpc.UnitTests.ClientCli.Explaining;

/// <summary>For each sentence an evaluation that has it, and evaluations just beside it that do not.</summary>
internal static class FigureCases
{
    /// <summary>Forged pictures at 0.98, authentic ones at 0.02: the best threshold is 0.5.</summary>
    private static Findings Clear => Clearly(50, 50);

    public static IReadOnlyDictionary<FigureCode, FigureCase> All { get; } = new Dictionary<FigureCode, FigureCase>
    {
        [FigureCode.OnlyForged] = new(Clearly(3, 0), [Clear, Clearly(0, 3), Clearly(0, 0)], ("pictures", 3)),
        [FigureCode.OnlyAuthentic] = new(Clearly(0, 3), [Clear, Clearly(3, 0), Clearly(0, 0)], ("pictures", 3)),
        [FigureCode.AucAboveChance] = new(Clear, [Guessed(50), Clearly(3, 0)], ("auc", 1), ("auc_low", 1), ("auc_high", 1)),
        [FigureCode.AucAtChance] = new(Guessed(50), [Clear, Reversed], ("auc", 0.5), ("auc_low", null), ("auc_high", null)),
        [FigureCode.AucBelowChance] = new(Reversed, [Clear, Guessed(50)], ("auc", 0), ("auc_low", 0), ("auc_high", 0)),
        [FigureCode.AucAlone] = new(Of([.. Pictures(0.98, 5, 5), .. Pictures(0.02, 0, 5)], samples: 0), [Clear, Clearly(3, 0)], ("auc", 0.75)),
        [FigureCode.AucUncertain] = new(Guessed(10), [Clear, Of([.. Pictures(0.1, 5, 5), .. Pictures(0.2, 5, 5)], samples: 0)], ("auc_width", null), ("forged", 10), ("authentic", 10)),
        [FigureCode.ServedThreshold] = new(
            Of([.. Pictures(0.7, 3, 1), .. Pictures(0.6, 1, 1), .. Pictures(0.59, 1, 2)]) with { Served = (0.4, 0.6) }, [Clear, Clearly(3, 0) with { Served = (0.4, 0.6) }],
            ("high", 0.6), ("served_recall", 0.8), ("served_false_alarms", 0.5)),
        [FigureCode.BestThreshold] = new(Clear, [Clear with { Served = (0.4, 0.6) }, Guessed(50), Clearly(3, 0)], ("best", 0.5), ("best_recall", 1), ("best_false_alarms", 0)),
        [FigureCode.BestThresholdAbove] = new(
            Clear with { Served = (0.3, 0.49) }, [Clear, Clear with { Served = (0.3, 0.5) }, Guessed(50) with { Served = (-2, -1) }],
            ("best", 0.5), ("best_recall", 1), ("best_false_alarms", 0), ("low", 0.3), ("high", 0.49)),
        [FigureCode.BestThresholdBetween] = new(
            Clear with { Served = (0.5, 0.5) }, [Clear, Clear with { Served = (0.51, 0.6) }, Clear with { Served = (0.3, 0.49) }],
            ("best", 0.5), ("best_recall", 1), ("best_false_alarms", 0), ("low", 0.5), ("high", 0.5)),
        [FigureCode.BestThresholdBelow] = new(
            Clear with { Served = (0.51, 0.6) }, [Clear, Clear with { Served = (0.5, 0.6) }], ("best", 0.5), ("best_recall", 1), ("best_false_alarms", 0), ("low", 0.51), ("high", 0.6)),
        [FigureCode.RecallAtOnePercent] = new(Clearly(10, 100), [Clearly(10, 99), Clearly(0, 100)], ("rate", 0.01), ("allowed", 1), ("authentic", 100), ("recall", 1)),
        [FigureCode.OnePercentIsNone] = new(Clearly(10, 99), [Clearly(10, 100), Clearly(0, 99)], ("rate", 0.01), ("authentic", 99), ("recall", 1), ("needed", 100)),
        [FigureCode.RecallAtFivePercent] = new(Clearly(10, 20), [Clearly(10, 19), Clearly(0, 20)], ("rate", 0.05), ("allowed", 1), ("authentic", 20), ("recall", 1)),
        [FigureCode.FivePercentIsNone] = new(Clearly(10, 19), [Clearly(10, 20), Clearly(0, 19)], ("rate", 0.05), ("authentic", 19), ("recall", 1), ("needed", 20)),
        [FigureCode.ScoresFit] = new(Clearly(25, 75), [Of([.. Pictures(0.93, 50, 0), .. Pictures(0.06, 0, 50)]), Clearly(49, 50), Clearly(100, 0)], ("ece", 0.02), ("forged_share", 0.25)),
        [FigureCode.ScoresTooHigh] = new(Of(Pictures(0.8, 50, 50)), [Clear, Of(Pictures(0.2, 50, 50)), Of(Pictures(0.8, 50, 49))], ("ece", 0.3)),
        [FigureCode.ScoresTooLow] = new(Of(Pictures(0.2, 50, 50)), [Clear, Of(Pictures(0.8, 50, 50)), Of(Pictures(0.2, 50, 49))], ("ece", 0.3)),
        [FigureCode.ScoresAstray] = new(Of([.. Pictures(0.9, 50, 0), .. Pictures(0.1, 0, 50)]), [Clear, Of(Pictures(0.2, 50, 50)), Of([.. Pictures(0.9, 49, 0), .. Pictures(0.1, 0, 50)])], ("ece", 0.1)),
        [FigureCode.ScoresNoProbabilities] = new(Of([.. Pictures(3, 50, 0), .. Pictures(-2, 0, 50)]), [Clear, Clearly(0, 0)]),
        [FigureCode.TooFewForCalibration] = new(Clearly(49, 50), [Clear, Clearly(49, 0), Of([.. Pictures(3, 49, 0), .. Pictures(-2, 0, 50)])], ("pictures", 99), ("needed", 100)),
        [FigureCode.GroupsDiffer] = new(
            Clear with { Groups = [("b", Clear.Figures), ("a", Guessed(50).Figures), ("c", Clearly(3, 0).Figures)] },
            [Clear, Clear with { Groups = [("a", Clear.Figures)] }, Clear with { Groups = [("a", Clear.Figures), ("b", Clear.Figures)] }],
            ("lower_group", 0), ("lower_auc", 0.5), ("higher_group", 0), ("higher_auc", 1)),
        [FigureCode.GroupsAlike] = new(
            Clear with { Groups = [("a", Guessed(9).Figures), ("b", Guessed(10).Figures), ("c", Clearly(3, 0).Figures)] },
            [Clear, Clear with { Groups = [("a", Clear.Figures)] }, Clear with { Groups = [("a", Clear.Figures), ("b", Guessed(50).Figures)] }],
            ("groups", 2)),
        [FigureCode.GroupsWithoutAuc] = new(
            Clear with { Groups = [("a", Clearly(3, 0).Figures), ("b", Clear.Figures)] }, [Clear, Clear with { Groups = [("a", Clear.Figures), ("b", Clear.Figures)] }],
            ("groups_without", 1), ("groups", 2)),
    };

    private static Findings Reversed => Of([.. Pictures(0.02, 50, 0), .. Pictures(0.98, 0, 50)]);

    private static Findings Clearly(int forged, int authentic) => Of([.. Pictures(0.98, forged, 0), .. Pictures(0.02, 0, authentic)]);

    /// <summary>As many of each, with the same scores.</summary>
    private static Findings Guessed(int each) => Of([.. Enumerable.Range(0, each).SelectMany(rank => Pictures((rank + 0.5) / each, 1, 1))]);

    private static IEnumerable<JudgedPicture> Pictures(double score, int forged, int authentic) =>
        Enumerable.Range(0, forged + authentic).Select(index => new JudgedPicture(index < forged, score, null));

    private static Findings Of(IEnumerable<JudgedPicture> pictures, int samples = 200) => new(QualityFigures.Of([.. pictures], samples), [], Served: null);
}

/// <param name="Found">Has the sentence.</param>
/// <param name="Without">Do not have it, by a little.</param>
/// <param name="Facts">Of the sentence, in the order in which a rule gives them; null: what is drawn by chance.</param>
internal sealed record FigureCase(Findings Found, IReadOnlyList<Findings> Without, params (string Name, double? Value)[] Facts);
