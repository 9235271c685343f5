using System.Diagnostics;

namespace LoupeGrpc.Fuzz;

/// <summary>Fuzzes one target in the process that it may take down with it.</summary>
internal static class Worker
{
    public const int Clean = 0;
    public const int HasFindings = 1;
    public const int Hangs = 3;
    public const int Blind = 4;

    /// <summary>For one input, on a busy machine.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <param name="state">The file that holds the input being run.</param>
    /// <param name="findings">A directory.</param>
    /// <param name="distil">Replace the corpus by the smallest set of inputs that does the same.</param>
    public static int Run(FuzzTarget target, FuzzBudget budget, string state, string findings, bool distil, TextWriter output)
    {
        using var last = new LastInput(state);
        var started = Stopwatch.GetTimestamp();
        using var watchdog = new Timer(
            _ =>
            {
                if (Stopwatch.GetElapsedTime(Volatile.Read(ref started)) > Patience)
                {
                    Environment.Exit(Hangs);
                }
            },
            null,
            Patience,
            TimeSpan.FromSeconds(1));
        var clock = Stopwatch.StartNew();
        var report = new FuzzLoop(target, budget)
        {
            Before = input =>
            {
                last.Set(input);
                Volatile.Write(ref started, Stopwatch.GetTimestamp());
            },
        }.Run(Corpus.Read(target));
        watchdog.Change(Timeout.Infinite, Timeout.Infinite);
        output.WriteLine(FuzzLoop.Describe(target, report, clock.Elapsed));
        if (report.Steps == 0)
        {
            return Blind;
        }

        foreach (var finding in report.Findings.Select(finding => FuzzRun.Shorten(target, finding)))
        {
            output.WriteLine($"FINDING {Corpus.Write(findings, $"{target.Name}-", finding.Input)}{Environment.NewLine}{finding.Details}");
        }

        if (distil)
        {
            Distil(target, report);
        }

        return report.Findings.Count == 0 ? Clean : HasFindings;
    }

    // Greedy: the shortest inputs first, each kept if it does something that none before it does.
    private static void Distil(FuzzTarget target, FuzzReport report)
    {
        var directory = Corpus.DirectoryOf(target);
        var done = new HashSet<int>();
        var kept = new List<byte[]>();
        foreach (var (input, marked) in report.Interesting.OrderBy(static entry => entry.Input.Length))
        {
            if (!marked.IsSubsetOf(done))
            {
                done.UnionWith(marked);
                kept.Add(input);
            }
        }

        // What was once a finding stays, under the name it was given.
        foreach (var path in Directory.Exists(directory) ? Directory.GetFiles(directory, "seed-*") : [])
        {
            File.Delete(path);
        }

        kept.ForEach(input => Corpus.Write(directory, "seed-", input));
    }
}
