using System.Diagnostics;
using System.Globalization;

namespace LoupeGrpc.Fuzz;

/// <summary>Fuzzes targets one after the other in workers, and says what became of each.</summary>
internal static class Session
{
    /// <summary>Beyond the time it was given: to start, run its corpus and end.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromMinutes(2);

    /// <returns>0 where no target has findings, else 1.</returns>
    public static int Run(IReadOnlyList<FuzzTarget> targets, TimeSpan time, int seed, bool distil, TextWriter output)
    {
        using var copy = new InstrumentedCopy(FuzzCommandLine.Artifacts);
        var findings = Path.Combine(FuzzCommandLine.Artifacts, "findings");
        var bad = targets.Where(target => !IsClean(copy, target, time, seed, distil, findings, output)).Select(static target => target.Name).ToList();
        output.WriteLine(bad.Count == 0 ? $"{targets.Count} targets fuzzed, no findings" : $"{targets.Count} targets fuzzed, findings in {string.Join(", ", bad)}; the inputs are in {findings}");
        return bad.Count == 0 ? 0 : 1;
    }

    private static bool IsClean(InstrumentedCopy copy, FuzzTarget target, TimeSpan time, int seed, bool distil, string findings, TextWriter output)
    {
        var state = Path.Combine(copy.Scratch, $"{target.Name}.state");
        string[] arguments =
        [
            "worker", target.Name, "--seconds", time.TotalSeconds.ToString(CultureInfo.InvariantCulture), "--seed", seed.ToString(CultureInfo.InvariantCulture),
            "--state", state, "--findings", findings, .. distil ? (string[])["--distil"] : [],
        ];
        using var process = Process.Start(new ProcessStartInfo(copy.Program, arguments) { RedirectStandardOutput = true })
            ?? throw new InvalidOperationException($"{copy.Program} did not start.");
        var said = process.StandardOutput.ReadToEndAsync();
        if (!process.WaitForExit(time + Grace))
        {
            process.Kill();
            process.WaitForExit();
        }

        output.Write(said.GetAwaiter().GetResult());
        if (process.ExitCode is Worker.Clean or Worker.HasFindings)
        {
            return process.ExitCode == Worker.Clean;
        }

        if (process.ExitCode == Worker.Blind)
        {
            output.WriteLine($"{target.Name}: the parser's assembly marks no steps: is it among those that are instrumented?");
            return false;
        }

        using var last = new LastInput(state);
        var what = process.ExitCode == Worker.Hangs ? "did not come to an end with" : $"ended with exit code {process.ExitCode} in";
        output.WriteLine($"{target.Name}: the worker {what} FINDING {Corpus.Write(findings, $"{target.Name}-", last.Get())}");
        return false;
    }
}
