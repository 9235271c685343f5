namespace LoupeGrpc.Client.Cli.Explaining;

/// <summary>What a sentence about an evaluation says. Their names are a contract.</summary>
internal enum FigureCode
{
    OnlyForged,
    OnlyAuthentic,
    AucAboveChance,
    AucAtChance,
    AucBelowChance,
    AucAlone,
    AucUncertain,
    ServedThreshold,
    BestThreshold,
    BestThresholdAbove,
    BestThresholdBetween,
    BestThresholdBelow,
    RecallAtOnePercent,
    OnePercentIsNone,
    RecallAtFivePercent,
    FivePercentIsNone,
    ScoresFit,
    ScoresTooHigh,
    ScoresTooLow,
    ScoresAstray,
    ScoresNoProbabilities,
    TooFewForCalibration,
    GroupsDiffer,
    GroupsAlike,
    GroupsWithoutAuc,
}
