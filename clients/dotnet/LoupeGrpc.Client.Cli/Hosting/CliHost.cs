using System.Runtime.InteropServices;
using System.Text;
using LoupeGrpc.Client.Cli.Files;
using LoupeGrpc.Launch;
using Spectre.Console;

namespace LoupeGrpc.Client.Cli.Hosting;

/// <summary>What the commands see of the process: streams, terminal, environment, clock and interruption. Tests give their own.</summary>
internal sealed class CliHost : IDisposable
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);
    private readonly CancellationTokenSource _interrupt = new();
    private readonly List<IDisposable> _owned = [];

    public CliHost(Stream output, TextWriter error, Stream input)
    {
        Output = output;
        Error = TextWriter.Synchronized(error);
        Input = input;
    }

    /// <summary>Standard output: results only, UTF-8.</summary>
    public Stream Output { get; }

    /// <summary>Standard error: everything for people. Thread-safe.</summary>
    public TextWriter Error { get; }

    /// <summary>Standard input, as bytes.</summary>
    public Stream Input { get; }

    /// <summary>The terminal that shows results as they come; null when standard output goes elsewhere.</summary>
    public IAnsiConsole? OutputTerminal { get; init; }

    /// <summary>The terminal that shows what is for people; null when standard error goes elsewhere.</summary>
    public IAnsiConsole? ErrorTerminal { get; init; }

    /// <summary>
    /// Whether standard output ends in a file or in nothing. Behind a pipe may stand the same terminal (`| tee`, `| jq`), where what is redrawn and what
    /// is printed would run into each other.
    /// </summary>
    public bool IsOutputKept { get; init; }

    /// <summary>The environment variable LOUPE_SERVER.</summary>
    public string? ServerFromEnvironment { get; init; }

    /// <summary>The environment variable LOUPE_KEY.</summary>
    public string? KeyFromEnvironment { get; init; }

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Canceled by the first Ctrl-C or SIGTERM.</summary>
    public CancellationToken Interrupt => _interrupt.Token;

    public static CliHost ForProcess()
    {
        var output = new GuardedStream(
            Console.OpenStandardOutput(),
            error => throw new CliException(
                StandardStreams.IsOutputClosed
                    ? "standard output is closed: results have nowhere to go (> /dev/null throws them away)"
                    : FileErrors.Of(error, "standard output cannot be written").Message,
                ExitCode.SomeFailed));
        // Whom nobody can tell anything is told nothing; the exit code remains.
        var error = new StreamWriter(new GuardedStream(Console.OpenStandardError(), _ => { }), Utf8) { AutoFlush = true };
        var host = new CliHost(output, error, Console.OpenStandardInput())
        {
            OutputTerminal = Console.IsOutputRedirected ? null : AnsiConsole.Create(new AnsiConsoleSettings()),
            ErrorTerminal = Console.IsErrorRedirected
                ? null
                // Spectre takes a redirected standard output for the absence of people.
                : AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error), Interactive = InteractionSupport.Yes }),
            IsOutputKept = Console.IsOutputRedirected && IsKept(),
            ServerFromEnvironment = Environment.GetEnvironmentVariable("LOUPE_SERVER"),
            KeyFromEnvironment = Environment.GetEnvironmentVariable("LOUPE_KEY"),
        };
        host.Listen(PosixSignal.SIGINT);
        host.Listen(PosixSignal.SIGTERM);
        return host;
    }

    /// <summary>A writer on <see cref="Output"/> that leaves it open.</summary>
    public StreamWriter CreateTextOutput() => new(Output, Utf8, leaveOpen: true);

    public void RequestInterrupt() => _interrupt.Cancel();

    public void Dispose()
    {
        _owned.ForEach(owned => owned.Dispose());
        _interrupt.Dispose();
    }

    private static bool IsKept()
    {
        try
        {
            return !OperatingSystem.IsLinux() || RegularFile.Status("/dev/fd/1") is { Kind: FileKind.Regular or FileKind.Device };
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>The first signal asks to stop; the second one finds no handler that cancels it and ends the process.</summary>
    private void Listen(PosixSignal signal) => _owned.Add(PosixSignalRegistration.Create(signal, context =>
    {
        if (!_interrupt.IsCancellationRequested)
        {
            context.Cancel = true;
            _interrupt.Cancel();
        }
    }));
}
