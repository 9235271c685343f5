using LoupeGrpc.Client.Cli.Explaining;
using LoupeGrpc.Quality;
using LoupeGrpc.V1;

namespace LoupeGrpc.Client.Cli.Evaluating;

/// <summary>All that an evaluation found out.</summary>
internal sealed record Evaluation
{
    /// <summary>What was evaluated, for people: the list or the folders.</summary>
    public required string Subject { get; init; }

    public required JudgedSet Judged { get; init; }

    public required QualityFigures Figures { get; init; }

    /// <summary>The column of <see cref="Groups"/>; null without.</summary>
    public string? By { get; init; }

    /// <summary>By the column's value, in ordinal order.</summary>
    public IReadOnlyList<(string Name, QualityFigures Figures)> Groups { get; init; } = [];

    /// <summary>By what was done to the pictures, as asked for.</summary>
    public IReadOnlyList<(string Name, JudgedSet Judged, QualityFigures Figures)> Perturbations { get; init; } = [];

    /// <summary>Thresholds to tell about, ascending.</summary>
    public required IReadOnlyList<double> Thresholds { get; init; }

    public required WorstCases Worst { get; init; }

    /// <summary>Samples that intervals were drawn from; 0: none.</summary>
    public required int Samples { get; init; }

    public required int Seed { get; init; }

    /// <summary>What answered; null for predictions made elsewhere.</summary>
    public SessionGrant? Grant { get; init; }

    /// <summary>The language of sentences, as `--explain` has it; empty: none are wanted.</summary>
    public string Explain { get; init; } = "";

    /// <summary>What the figures say, in sentences.</summary>
    public IEnumerable<FigureSentence> Sentences => Explain.Length == 0 ? [] : FigureTexts.Of(Explain).Explain(new Findings(Figures, Groups, Served));

    private (double Low, double High)? Served => Grant?.Thresholds is { } served ? (Sentence.Exact(served.Low), Sentence.Exact(served.High)) : null;

    public IEnumerable<EvaluationFailure> Failures => Judged.Failures.Concat(Perturbations.SelectMany(static perturbed => perturbed.Judged.Failures));
}
