using System.Diagnostics;
using System.Globalization;

namespace LoupeGrpc.Fuzz;

/// <summary>How long to go on, and from where.</summary>
/// <param name="Time">Null: no limit of time.</param>
/// <param name="Runs">Null: no limit of runs.</param>
internal sealed record FuzzBudget(TimeSpan? Time, long? Runs, int Seed);

/// <summary>What came of it.</summary>
/// <param name="Steps">Steps between branches that were seen; 0 where nothing is instrumented.</param>
/// <param name="Interesting">Inputs beyond the corpus that did something new, with what each marked.</param>
internal sealed record FuzzReport(long Runs, int Steps, IReadOnlyList<Finding> Findings, IReadOnlyList<(byte[] Input, HashSet<int> Marked)> Interesting);

/// <summary>Mutates a corpus and keeps what does something new. The same budget in runs gives the same inputs as long as the code is the same.</summary>
internal sealed class FuzzLoop(FuzzTarget target, FuzzBudget budget)
{
    private const int MaxFindings = 10;

    private readonly CoverageMap _coverage = new();
    private readonly Mutator _mutator = new(target, budget.Seed);
    private readonly Dictionary<string, Finding> _findings = new(StringComparer.Ordinal);
    private readonly List<(byte[] Input, HashSet<int> Marked)> _kept = [];
    private long _runs;

    /// <summary>Called before each input; null for nobody.</summary>
    public Action<byte[]>? Before { get; init; }

    public FuzzReport Run(IReadOnlyList<byte[]> corpus)
    {
        var clock = Stopwatch.StartNew();
        var inputs = corpus.ToList();
        foreach (var input in corpus)
        {
            Try(input, isFromCorpus: true);
        }

        while ((budget.Time is not { } time || clock.Elapsed < time) && (budget.Runs is not { } runs || _runs < runs) && _findings.Count < MaxFindings)
        {
            var input = _mutator.Next(inputs);
            if (Try(input, isFromCorpus: false))
            {
                inputs.Add(input);
            }
        }

        return new FuzzReport(_runs, _coverage.Steps, [.. _findings.Values], _kept);
    }

    /// <returns>Whether the input did something that none before did.</returns>
    private bool Try(byte[] input, bool isFromCorpus)
    {
        Before?.Invoke(input);
        _runs++;
        _coverage.Clear();
        var finding = FuzzRun.Execute(target, input);
        if (finding is not null)
        {
            _findings.TryAdd(finding.Kind, finding);
            return false;
        }

        var isNew = _coverage.Learn();
        if (isNew || (isFromCorpus && _coverage.Steps > 0))
        {
            _kept.Add((input, _coverage.Marked()));
        }

        return isNew;
    }

    /// <summary>One line for people.</summary>
    public static string Describe(FuzzTarget target, FuzzReport report, TimeSpan time) => string.Create(
        CultureInfo.InvariantCulture,
        $"{target.Name,-20} {report.Runs,10:N0} inputs in {time.TotalSeconds,5:F1} s, {report.Steps,6:N0} steps, {report.Findings.Count} findings");
}
