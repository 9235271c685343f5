namespace LoupeGrpc.Client.Cli.Explaining;

/// <summary>Every sentence in English.</summary>
internal static class EnglishFigureTexts
{
    public static FigureTexts All { get; } = new()
    {
        Title = "What this says",
        LessThan = "less than {0}",
        MoreThan = "more than {0}",
        Points = "{0} percentage points",
        CountFormat = "#,##0",
        Sentences = new Dictionary<FigureCode, string>
        {
            [FigureCode.OnlyForged] = "All pictures here are forged ({pictures}): nothing can be said about false alarms, and there is no AUC.",
            [FigureCode.OnlyAuthentic] = "All pictures here are authentic ({pictures}): nothing can be said about what would be found, and there is no AUC.",
            [FigureCode.AucAboveChance] =
                "Of a forged and an authentic picture the forged one has the higher score in {auc} of all pairs; with other pictures of the same kinds it would be {auc_low} to {auc_high}, which is better than guessing.",
            [FigureCode.AucAtChance] =
                "Of a forged and an authentic picture the forged one has the higher score in {auc} of all pairs; with other pictures of the same kinds it would be {auc_low} to {auc_high}: on these pictures the scores cannot be told from guesses.",
            [FigureCode.AucBelowChance] =
                "Of a forged and an authentic picture the forged one has the higher score in only {auc} of all pairs; with other pictures of the same kinds it would be {auc_low} to {auc_high}, which is worse than guessing: check that the labels are the right way round.",
            [FigureCode.AucAlone] = "Of a forged and an authentic picture the forged one has the higher score in {auc} of all pairs; how far that would move with other pictures was not computed.",
            [FigureCode.AucUncertain] = "This range is {auc_width} wide: {forged} forged and {authentic} authentic {authentic|picture|pictures} are too few to say it more exactly.",
            [FigureCode.ServedThreshold] = "With the upper threshold that is served, {high}, {served_recall} of the forged pictures are found, and {served_false_alarms} of the authentic ones are called forged.",
            [FigureCode.BestThreshold] = "The best threshold on these pictures is {best}: it finds {best_recall} of the forged ones and calls {best_false_alarms} of the authentic ones forged.",
            [FigureCode.BestThresholdAbove] =
                "The best threshold on these pictures, {best}, lies above those that are served, {low} and {high}: it finds {best_recall} of the forged ones and calls {best_false_alarms} of the authentic ones forged.",
            [FigureCode.BestThresholdBetween] =
                "The best threshold on these pictures, {best}, lies between those that are served, {low} and {high}: it finds {best_recall} of the forged ones and calls {best_false_alarms} of the authentic ones forged.",
            [FigureCode.BestThresholdBelow] =
                "The best threshold on these pictures, {best}, lies below those that are served, {low} and {high}: it finds {best_recall} of the forged ones and calls {best_false_alarms} of the authentic ones forged.",
            [FigureCode.RecallAtOnePercent] = "If {rate} of the authentic pictures may be called forged, which is {allowed} of the {authentic} here, {recall} of the forged ones are found.",
            [FigureCode.OnePercentIsNone] =
                "If {rate} of the authentic pictures may be called forged, which of {authentic} is none at all, {recall} of the forged ones are found; to allow one takes {needed} authentic pictures.",
            [FigureCode.RecallAtFivePercent] = "If {rate} of them may be called forged, which is {allowed} of the {authentic}, {recall} of the forged ones are found.",
            [FigureCode.FivePercentIsNone] =
                "If {rate} of them may be called forged, which of {authentic} is none at all either, {recall} of the forged ones are found; to allow one takes {needed} authentic pictures.",
            [FigureCode.ScoresFit] =
                "Scores can be read as probabilities wherever {forged_share} of the pictures are forged, as here: score and share of forged pictures are {ece} apart on average.",
            [FigureCode.ScoresTooHigh] = "Scores cannot be read as probabilities: they are mostly higher than the share of forged pictures, {ece} apart on average.",
            [FigureCode.ScoresTooLow] = "Scores cannot be read as probabilities: they are mostly lower than the share of forged pictures, {ece} apart on average.",
            [FigureCode.ScoresAstray] = "Scores cannot be read as probabilities: they are partly higher and partly lower than the share of forged pictures, {ece} apart on average.",
            [FigureCode.ScoresNoProbabilities] = "Some scores are not from zero to one, so none of them is read as a probability.",
            [FigureCode.TooFewForCalibration] = "Whether scores can be read as probabilities cannot be said with {pictures} pictures; it takes {needed}.",
            [FigureCode.GroupsDiffer] =
                "Groups differ by more than their intervals: {lower_group} has the lowest AUC, {lower_auc}, and {higher_group} the highest, {higher_auc}.",
            [FigureCode.GroupsAlike] = "The AUC of none of {groups} groups differs from that of another by more than their intervals.",
            [FigureCode.GroupsWithoutAuc] = "Of {groups} {groups|group|groups} {groups_without} {groups_without|has|have} pictures of one kind only, and so no AUC.",
        },
    };
}
