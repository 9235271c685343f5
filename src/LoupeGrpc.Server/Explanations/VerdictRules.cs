using LoupeGrpc.Engine;

namespace LoupeGrpc.Server.Explanations;

/// <summary>The score against the thresholds, and why a verdict is uncertain.</summary>
internal static class VerdictRules
{
    private const double Near = 0.05;

    public static IReadOnlyList<Rule> All { get; } =
    [
        new(ExplanationCode.ScoreManipulated, static finding =>
            finding.Analysis.Verdict == Verdict.Manipulated ? [new("score", finding.Score), new("high", finding.High)] : null),
        new(ExplanationCode.ScoreAuthentic, static finding =>
            finding.Analysis.Verdict == Verdict.Authentic ? [new("score", finding.Score), new("low", finding.Low)] : null),
        new(ExplanationCode.ScoreUncertain, static finding =>
            finding.Analysis.Verdict == Verdict.Uncertain && !IsLeftOpen(finding) ? [new("score", finding.Score), new("low", finding.Low), new("high", finding.High)] : null),
        new(ExplanationCode.VerdictLeftOpen, static finding => IsLeftOpen(finding) ? [new("score", finding.Score)] : null),
        new(ExplanationCode.ScoreNearThreshold, static finding => finding.Analysis.Verdict switch
        {
            Verdict.Manipulated => NearTo(finding.Score, finding.High),
            Verdict.Authentic => NearTo(finding.Score, finding.Low),
            _ => null,
        }),
    ];

    /// <summary>The score says something, and does not count.</summary>
    private static bool IsLeftOpen(Finding finding) =>
        finding.Analysis.Verdict == Verdict.Uncertain && finding.Thresholds.VerdictOf(finding.Analysis.Score) != Verdict.Uncertain;

    private static Number[]? NearTo(double score, double threshold)
    {
        // What is 0.05 away in the figures that are shown is near, whatever doubles make of it.
        double distance = Math.Round(Math.Abs(score - threshold), 6);
        return distance <= Near ? [new("distance", distance), new("threshold", threshold)] : null;
    }
}
