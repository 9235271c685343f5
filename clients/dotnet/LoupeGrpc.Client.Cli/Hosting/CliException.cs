namespace LoupeGrpc.Client.Cli.Hosting;

/// <summary>Ends the command with one clear sentence and an exit code.</summary>
internal sealed class CliException(string message, ExitCode exitCode) : Exception(message)
{
    public ExitCode ExitCode { get; } = exitCode;

    public static CliException Usage(string message) => new(message, ExitCode.WrongUsage);
}
