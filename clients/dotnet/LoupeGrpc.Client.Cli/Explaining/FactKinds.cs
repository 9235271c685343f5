namespace LoupeGrpc.Client.Cli.Explaining;

/// <summary>What a fact is, and so how it is written.</summary>
internal enum FactKind
{
    /// <summary>A score, or a figure of 0 to 1 that is known by its decimals.</summary>
    Figure,

    /// <summary>0 to 1, written in per cent.</summary>
    Share,

    /// <summary>Between two shares: 0 to 1, written in percentage points.</summary>
    Points,
    Count,
    Word,
}

/// <summary>Each fact that a sentence may have. A name means the same in all of them.</summary>
internal static class FactKinds
{
    public static IReadOnlyDictionary<string, (FactKind Kind, string Meaning)> All { get; } = new Dictionary<string, (FactKind, string)>(StringComparer.Ordinal)
    {
        ["pictures"] = (FactKind.Count, "that were judged"),
        ["forged"] = (FactKind.Count, "forged ones among them"),
        ["authentic"] = (FactKind.Count, "authentic ones among them"),
        ["auc"] = (FactKind.Share, "share of all pairs of a forged and an authentic picture in which the forged one has the higher score, ties half"),
        ["auc_low"] = (FactKind.Share, "the lower end of its interval of 95 %"),
        ["auc_high"] = (FactKind.Share, "the upper end"),
        ["auc_width"] = (FactKind.Points, "from the one to the other"),
        ["low"] = (FactKind.Figure, "the lower threshold served"),
        ["high"] = (FactKind.Figure, "the upper threshold served"),
        ["served_recall"] = (FactKind.Share, "of the forged pictures, found from `high` on"),
        ["served_false_alarms"] = (FactKind.Share, "of the authentic pictures, called forged from `high` on"),
        ["best"] = (FactKind.Figure, "the threshold with the largest recall less false alarms"),
        ["best_recall"] = (FactKind.Share, "as `served_recall`, from `best` on"),
        ["best_false_alarms"] = (FactKind.Share, "as `served_false_alarms`, from `best` on"),
        ["rate"] = (FactKind.Share, "of the authentic pictures, which may be called forged"),
        ["allowed"] = (FactKind.Count, "of the authentic pictures here, which that is at most"),
        ["recall"] = (FactKind.Share, "of the forged pictures, found at no more false alarms"),
        ["needed"] = (FactKind.Count, "pictures from which on more can be said: authentic ones for a rate of false alarms, of any kind for calibration"),
        ["forged_share"] = (FactKind.Share, "of the pictures"),
        ["ece"] = (FactKind.Points, "the expected calibration error: how far score and share of forged pictures are apart, on average"),
        ["groups"] = (FactKind.Count, "in all"),
        ["groups_without"] = (FactKind.Count, "with pictures of one kind only"),
        ["lower_group"] = (FactKind.Word, "the one with the lowest AUC"),
        ["lower_auc"] = (FactKind.Figure, "its AUC"),
        ["higher_group"] = (FactKind.Word, "the one with the highest AUC"),
        ["higher_auc"] = (FactKind.Figure, "its AUC"),
    };
}
