namespace LoupeGrpc.Client.Cli.Evaluating;

/// <summary>What to look at first, the worst in front.</summary>
/// <param name="Missed">Forged pictures with the lowest scores.</param>
/// <param name="FalseAlarms">Authentic ones with the highest.</param>
/// <param name="Masks">Forged ones of whose mask the least fits.</param>
internal sealed record WorstCases(IReadOnlyList<EvaluatedPicture> Missed, IReadOnlyList<EvaluatedPicture> FalseAlarms, IReadOnlyList<EvaluatedPicture> Masks)
{
    /// <param name="pictures">All that were judged.</param>
    /// <param name="count">How many of each.</param>
    public static WorstCases Of(IReadOnlyList<EvaluatedPicture> pictures, int count) => new(
        [.. pictures.Where(static picture => picture.Case.IsForged).OrderBy(static picture => picture.Score).Take(count)],
        [.. pictures.Where(static picture => !picture.Case.IsForged).OrderByDescending(static picture => picture.Score).Take(count)],
        [.. pictures.Where(static picture => picture.Pixels?.ForgedIou is not null).OrderBy(static picture => picture.Pixels!.Value.ForgedIou).Take(count)]);
}
