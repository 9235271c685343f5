using LoupeGrpc.Client.Cli.Hosting;

namespace LoupeGrpc.Client.Cli.Commands;

/// <summary>Turns what can go wrong in a command into one line for people and an exit code.</summary>
internal static class CommandRunner
{
    /// <param name="authority">The file whose certificates are to be believed; null: those of the system.</param>
    public static async Task<int> RunAsync(CliHost host, string? authority, Func<Task<ExitCode>> command)
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
            return await FailAsync(host, $"{error.Message}{Advice(error.Reason, authority)}", ExitCode.Unavailable);
        }
        catch (LoupeRefusedException error)
        {
            return await FailAsync(host, $"{error.Message}. Who we are: --key KEY or --cert FILE.", ExitCode.Refused);
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

    private static string Advice(LoupeUnavailableReason reason, string? authority) => reason switch
    {
        LoupeUnavailableReason.UntrustedCertificate when authority is not null => $": --ca {authority} lacks the certificate of who signed it (--insecure takes any)",
        LoupeUnavailableReason.UntrustedCertificate => ": use --ca FILE with the certificate of who signed it (--insecure takes any)",
        LoupeUnavailableReason.ExpiredCertificate or LoupeUnavailableReason.UnfitCertificate => ": the server needs a new one (--insecure takes any)",
        LoupeUnavailableReason.WrongHost => ": use one of its names with --server (--insecure takes any)",
        LoupeUnavailableReason.TlsNotSupported or LoupeUnavailableReason.TlsRequired => " (--server or LOUPE_SERVER)",
        _ => ". Another address: --server URL. Start one for this run: --serve (analyze, stream).",
    };

    private static async Task<int> FailAsync(CliHost host, string message, ExitCode code)
    {
        await host.Error.WriteLineAsync(Printable.Text($"error: {message}"));
        return (int)code;
    }
}
