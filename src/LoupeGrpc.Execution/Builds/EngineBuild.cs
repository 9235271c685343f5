using System.ComponentModel;
using System.Diagnostics;

namespace LoupeGrpc.Execution.Builds;

/// <summary>
/// Builds engines by running <c>compile</c>: in a process of its own, so that a crash or a hang in a provider's library ends that and nothing else,
/// and with little priority, so that frames come first. It ends with this process, whatever ends this one: what would be built on alone holds the GPU
/// and the build lock.
/// </summary>
/// <param name="model">The package's directory.</param>
internal sealed class EngineBuild(ExecutionHost host, string model, TimeSpan timeout)
{
    /// <returns>What went wrong; null where the engines are there now.</returns>
    /// <exception cref="OperationCanceledException"/>
    public async Task<string?> RunAsync(string provider, Action<string> phase, CancellationToken cancellationToken)
    {
        // The lowest priority: it may use what nobody else does. `nice` becomes the program, so pipes and process number stay.
        string[] arguments = ["-n", "19", host.Program, "compile", "--provider", provider, "--model", model, "--json", ParentWatch.Option, .. host.Settings];
        using var process = new Process
        {
            StartInfo = new ProcessStartInfo("nice", arguments)
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                RedirectStandardInput = true,
            },
        };
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
            return $"building its engines took longer than {timeout.TotalSeconds:0} s: Loupe:Execution:BuildTimeout";
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
