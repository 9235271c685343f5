using System.Text;
using LoupeGrpc.Launch;

namespace LoupeGrpc.Client.Cli.Hosting;

/// <summary>
/// A server for the time of one run, which nobody else reaches: it listens on sockets in a folder that only this user may enter, and ends with this program, whatever
/// ends this one. What it serves says its own environment (<c>Loupe__Model__Path</c> and the like).
/// </summary>
internal sealed class LocalServer : IAsyncDisposable
{
    private const string Program = "loupe-grpc-server";
    private const string ReadyWord = "ready ";

    /// <summary>Of what it says on standard error, for a message where it does not start.</summary>
    private const int KeptLines = 5;

    /// <summary>After so long, whoever waits is told what for.</summary>
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(2);

    /// <summary>One that is killed leaves its runtime's sockets in the temporary folder; on a busy machine it ends late, and loses nobody's time but this run's.</summary>
    private static readonly TimeSpan EndTime = TimeSpan.FromSeconds(10);

    private readonly DirectoryInfo _folder;
    private readonly ChildProgram _server;
    private readonly Queue<string> _said = new();
    private readonly Task _listening;
    private readonly Task<string?> _ready;

    private LocalServer(string program)
    {
        _folder = Directory.CreateTempSubdirectory("loupe-serve-");
        Address = new Uri($"unix:{_folder.FullName}/grpc");
        try
        {
            _server = ChildProgram.Start(program, ["serve", "--listen", Address.ToString(), "--operations", $"unix:{_folder.FullName}/operations", "--web", "off"]);
        }
        catch
        {
            _folder.Delete();
            throw;
        }

        _listening = ChildProgram.OnThread(Listen);
        _ready = ChildProgram.OnThread(ReadReadyLine);
    }

    public Uri Address { get; }

    /// <summary>Starts the server that lies beside this program, or else on the PATH, and waits until it serves.</summary>
    /// <exception cref="CliException">There is none, or it does not start.</exception>
    /// <exception cref="OperationCanceledException">The run was interrupted.</exception>
    public static async Task<LocalServer> StartAsync(CliHost host)
    {
        var program = SiblingProgram.Find(Program, "../server", ".") ?? throw CliException.Usage(
            $"--serve finds no {Program}: it must lie beside this program, as ./build.sh puts it, or on the PATH; or name a server that runs with --server URL");
        LocalServer server;
        try
        {
            server = new LocalServer(program);
        }
        catch (ProgramUnavailableException error)
        {
            throw new CliException(error.Message, ExitCode.Unavailable);
        }

        try
        {
            var ready = server._ready.WaitAsync(host.Interrupt);
            if (await Task.WhenAny(ready, Task.Delay(Silence, host.Time, host.Interrupt)) != ready && !host.Interrupt.IsCancellationRequested)
            {
                await host.Error.WriteLineAsync($"{program} is starting; a model's first start takes longer");
            }

            if (await ready is null)
            {
                await server._listening.WaitAsync(host.Interrupt);
                throw new CliException($"{program} did not start: {server.LastWords()}", ExitCode.Unavailable);
            }

            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _server.AskToEndAsync();
        await ChildProgram.PoliteDelayAsync(Task.WhenAll(_listening, _ready), EndTime);
        await _server.DisposeAsync();
        try
        {
            _folder.Delete(recursive: true);
        }
        catch (IOException)
        {
            // Empty sockets in the temporary folder.
        }
    }

    /// <summary>Then reads on: who writes into a full pipe stands still.</summary>
    private string? ReadReadyLine()
    {
        using var reader = new StreamReader(_server.Output, Encoding.UTF8, leaveOpen: true);
        var line = reader.ReadLine();
        return line?.StartsWith(ReadyWord, StringComparison.Ordinal) == true ? line : null;
    }

    private void Listen()
    {
        using var reader = new StreamReader(_server.Error, Encoding.UTF8, leaveOpen: true);
        while (reader.ReadLine() is { } line)
        {
            lock (_said)
            {
                _said.Enqueue(line);
                if (_said.Count > KeptLines)
                {
                    _said.Dequeue();
                }
            }
        }
    }

    private string LastWords()
    {
        lock (_said)
        {
            var error = _said.LastOrDefault(static line => line.StartsWith("error: ", StringComparison.Ordinal));
            return error is not null ? error["error: ".Length..] : string.Join("; ", _said);
        }
    }
}
