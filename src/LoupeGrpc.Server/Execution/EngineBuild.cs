using System.ComponentModel;
using System.Diagnostics;

namespace LoupeGrpc.Server.Execution;

/// <summary>
/// Builds engines by running <c>compile</c>: in a process of its own, so that a crash or a hang in a provider's library ends that and nothing else,
/// and with little priority, so that frames come first.
/// </summary>
/// <param name="settings">The server's settings that the process must share, as <c>--Loupe:Name=value</c>.</param>
/// <param name="model">The package's directory.</param>
internal sealed class EngineBuild(IReadOnlyList<string> settings, string model, TimeSpan timeout)
{
    /// <returns>What went wrong; null where the engines are there now.</returns>
    /// <exception cref="OperationCanceledException"/>
    public async Task<string?> RunAsync(string provider, Action<string> phase, CancellationToken cancellationToken)
    {
        // The lowest priority: it may use what nobody else does.
        var start = new ProcessStartInfo("nice", ["-n", "19", ServerProgram.Path, "compile", "--provider", provider, "--model", model, "--json", .. settings])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        using var process = new Process { StartInfo = start };
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(timeout);
        try
        {
            process.Start();
            process.ErrorDataReceived += static (_, _) => { };
            process.BeginErrorReadLine();
            CompileLine? last = null;
            while (await process.StandardOutput.ReadLineAsync(limit.Token).ConfigureAwait(false) is { } text)
            {
                last = CompileLine.Parse(text) ?? last;
                if (last is { State: CompileLine.Working })
                {
                    phase(last.Message);
                }
            }

            await process.WaitForExitAsync(limit.Token).ConfigureAwait(false);
            return process.ExitCode == 0 ? null
                : last is { State: CompileLine.Failed } ? last.Message
                : $"building its engines ended with exit code {process.ExitCode}"
                    + (process.ExitCode > 128 ? $" (signal {process.ExitCode - 128})" : string.Empty)
                    + (last is null ? string.Empty : $" after: {last.Message}");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return $"building its engines took more than {timeout.TotalSeconds:0} s: Loupe:Execution:BuildTimeout";
        }
        catch (Win32Exception exception)
        {
            return $"the process that builds its engines cannot be started: {exception.Message}";
        }
        finally
        {
            Kill(process);
        }
    }

    private static void Kill(Process process)
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // It has ended, or never began.
        }
    }
}
