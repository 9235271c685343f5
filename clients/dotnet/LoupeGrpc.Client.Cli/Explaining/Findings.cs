using LoupeGrpc.Quality;

namespace LoupeGrpc.Client.Cli.Explaining;

/// <summary>What sentences are about.</summary>
/// <param name="Figures">Of all pictures.</param>
/// <param name="Groups">By name.</param>
/// <param name="Served">The thresholds that the server judges by; null for predictions made elsewhere.</param>
internal sealed record Findings(QualityFigures Figures, IReadOnlyList<(string Name, QualityFigures Figures)> Groups, (double Low, double High)? Served)
{
    public ScoreCurve Curve => Figures.Curve;

    public bool HasBoth => Curve.Forged > 0 && Curve.Authentic > 0;

    /// <summary>Null where there is none, or none was asked for.</summary>
    public Interval? AucInterval => Figures.Auc is null ? null : Figures.Intervals?.Auc;

    /// <summary>Groups whose AUC has an interval.</summary>
    public IEnumerable<(string Name, double Auc, Interval Interval)> Compared => Groups
        .Where(static group => group.Figures is { Auc: not null, Intervals.Auc: not null })
        .Select(static group => (group.Name, group.Figures.Auc!.Value, group.Figures.Intervals!.Auc!.Value));
}
