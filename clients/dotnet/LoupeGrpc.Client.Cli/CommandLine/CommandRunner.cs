using LoupeGrpc.Client.Cli.Output;

namespace LoupeGrpc.Client.Cli.CommandLine;

/// <summary>Turns what can go wrong in a command into one line for people and an exit code.</summary>
internal static class CommandRunner
{
    public static async Task<int> RunAsync(CliHost host, Func<Task<ExitCode>> command)
    {
        try
        {
            return (int)await command();
        }
        catch (CliException error)
        {
            return await FailAsync(host, error.Message, error.ExitCode);
        }
        catch (LoupeUnavailableException error)
        {
            return await FailAsync(host, $"{error.Message}. Another address: --server URL.", ExitCode.Unavailable);
        }
        catch (LoupeRequestException error) when (error.Code == LoupeFailureCode.Invalid)
        {
            return await FailAsync(host, $"the server refused the request: {error.Message}", ExitCode.WrongUsage);
        }
        catch (LoupeException error)
        {
            return await FailAsync(host, error.Message, ExitCode.Unavailable);
        }
        catch (OperationCanceledException) when (host.Interrupt.IsCancellationRequested)
        {
            return (int)ExitCode.Interrupted;
        }
        catch (Exception error)
        {
            return await FailAsync(host, $"{error.Message} ({error.GetType().Name})", ExitCode.Internal);
        }
    }

    private static async Task<int> FailAsync(CliHost host, string message, ExitCode code)
    {
        await host.Error.WriteLineAsync(Printable.Text($"error: {message}"));
        return (int)code;
    }
}
