using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Providers;

namespace LoupeGrpc.Execution.Probing;

/// <summary>
/// Tries a provider in a process of its own, the host's program with the verb <c>try-provider</c>. Whatever becomes of that process is an answer.
/// The target goes there as one line of JSON on standard input, which stays open: when this side is gone, the other ends itself (<see cref="ParentWatch"/>).
/// Reports come back as lines of JSON on standard output, the last of them the answer; a provider's library may write there too.
/// </summary>
public static partial class TrialProcess
{
    public const string Verb = "try-provider";

    private const int FirstSignal = 128;

    /// <summary>For pipes that somebody else holds open, and for a process that does not even die.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private static readonly Dictionary<int, string> Signals = new()
    {
        [4] = "SIGILL",
        [6] = "SIGABRT",
        [7] = "SIGBUS",
        [8] = "SIGFPE",
        [9] = "SIGKILL",
        [11] = "SIGSEGV",
        [15] = "SIGTERM",
    };

    /// <param name="program">Full path of the host's program.</param>
    /// <param name="target">One that is there (<see cref="ProviderTrial.ReportAbsence"/>), also where its process ends before it says so.</param>
    /// <exception cref="Win32Exception">The process cannot be started.</exception>
    /// <exception cref="OperationCanceledException">It has been ended.</exception>
    internal static async Task<ProviderReport> RunAsync(string program, ExecutionTarget target, TimeSpan limit, CancellationToken cancellationToken)
    {
        var begin = TimeProvider.System.GetTimestamp();
        var start = new ProcessStartInfo(program, [Verb]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start) ?? throw new Win32Exception($"{program} did not start.");
        var known = new ProviderReport { Provider = target.Provider, Kind = target.Kind, Library = ProviderTrial.LibraryOf(target), Exists = true };
        var lastWords = string.Empty;
        var reading = Task.WhenAll(
            ReadAsync(process.StandardOutput, line => known = Parse(line) ?? known),
            ReadAsync(process.StandardError, line => lastWords = line));
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limited.CancelAfter(limit);
        try
        {
            await SendAsync(process, target).ConfigureAwait(false);
            await process.WaitForExitAsync(limited.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            await SettleAsync(Task.WhenAll(process.WaitForExitAsync(CancellationToken.None), reading)).ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
            return Finish(TrialOutcome.TimedOut, () => $"{target.Provider} hangs: it did not {NextStep(known)} within {limit.TotalSeconds:0.#} s.");
        }

        await SettleAsync(reading).ConfigureAwait(false);
        return Finish(TrialOutcome.Crashed, () => CrashReason(known, process.ExitCode, lastWords));

        // An answer stands, however the process ends after it: some libraries crash at the end of every process.
        ProviderReport Finish(TrialOutcome outcome, Func<string> reason) =>
            (known.Runs || known.Reason.Length > 0 ? known : known with { Outcome = outcome, Reason = reason() }) with { Seconds = TimeProvider.System.GetElapsedTime(begin).TotalSeconds };
    }

    /// <summary>The other side. Returns when the trial is over.</summary>
    /// <param name="input">Standard input, nothing of it read yet.</param>
    public static void Serve(TextReader input, TextWriter output, TrialGraph graph)
    {
        var target = JsonSerializer.Deserialize<ExecutionTarget>(input.ReadLine() ?? string.Empty, ProviderJson.Line)
            ?? throw new JsonException("There is no target.");
        // Nobody waits for the answer when the other side is gone, and the provider may never give one.
        ParentWatch.Begin(input);
        Write(ProviderTrial.Run(target, graph, Write));

        void Write(ProviderReport report)
        {
            // A line of its own, whatever a library has written before.
            output.Write($"{Environment.NewLine}{JsonSerializer.Serialize(report, ProviderJson.Line)}{Environment.NewLine}");
            output.Flush();
        }
    }

    private static async Task SendAsync(Process process, ExecutionTarget target)
    {
        try
        {
            await process.StandardInput.WriteLineAsync(JsonSerializer.Serialize(target, ProviderJson.Line)).ConfigureAwait(false);
            await process.StandardInput.FlushAsync(CancellationToken.None).ConfigureAwait(false);
        }
        catch (IOException)
        {
            // It has ended already; its exit code says more.
        }
    }

    private static async Task ReadAsync(StreamReader reader, Action<string> take)
    {
        while (await reader.ReadLineAsync(CancellationToken.None).ConfigureAwait(false) is { } line)
        {
            if (!string.IsNullOrWhiteSpace(line))
            {
                take(line);
            }
        }
    }

    private static async Task SettleAsync(Task task)
    {
        try
        {
            await task.WaitAsync(Patience).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // What was read until now has to do.
        }
    }

    private static ProviderReport? Parse(string line)
    {
        try
        {
            return JsonSerializer.Deserialize<ProviderReport>(line, ProviderJson.Line);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string CrashReason(ProviderReport known, int exitCode, string lastWords)
    {
        var how = Signals.TryGetValue(exitCode - FirstSignal, out var signal) ? signal : $"exit code {exitCode}";
        lastWords = Colour().Replace(lastWords, string.Empty).Trim();
        return $"{known.Provider} crashes: its process ended with {how} before it could {NextStep(known)}{(lastWords.Length > 0 ? $": {lastWords.TrimEnd('.')}" : string.Empty)}.";
    }

    [GeneratedRegex(@"\x1b\[[0-9;]*m")]
    private static partial Regex Colour();

    private static string NextStep(ProviderReport known) => known.Loads ? "run a graph of one node" : "load";
}
