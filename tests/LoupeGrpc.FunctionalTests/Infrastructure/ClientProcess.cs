using System.Diagnostics;
using System.Text;
using LoupeGrpc.FunctionalTests.Client;
using LoupeGrpc.TestSupport;

namespace LoupeGrpc.FunctionalTests.Infrastructure;

/// <summary>The client's program as a user runs it. Disposing kills what still runs.</summary>
internal sealed class ClientProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _error = new();
    private readonly Task<string> _output;

    private ClientProcess(ProcessStartInfo start)
    {
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        _process = Process.Start(start)!;
        _output = _process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        _process.ErrorDataReceived += Keep;
        _process.BeginErrorReadLine();
    }

    /// <summary>Where it was built: beside the tests, which have ASP.NET, it lacks what that brings.</summary>
    public static string Program { get; } = Path.Combine(
        TestData.RepositoryRoot,
        "clients/dotnet/LoupeGrpc.Client.Cli",
        Path.GetRelativePath(Path.Combine(TestData.RepositoryRoot, "tests/LoupeGrpc.FunctionalTests"), AppContext.BaseDirectory),
        "loupe-grpc-client");

    /// <summary>What it has written to standard error so far.</summary>
    public string Error
    {
        get
        {
            lock (_error)
            {
                return _error.ToString();
            }
        }
    }

    public int Id => _process.Id;

    /// <summary>Takes bytes until it is closed. Not of a script.</summary>
    public Stream Input => _process.StandardInput.BaseStream;

    /// <summary>Through a shell, which can say what .NET cannot: names that are not UTF-8, other users, pipes.</summary>
    /// <param name="script">For bash; <c>$CLIENT</c> is the program. It may <c>exec</c> it, so that signals reach it.</param>
    /// <param name="folder">Where it runs.</param>
    /// <param name="server">Where the client finds its server.</param>
    public static ClientProcess Start(string script, string folder, Uri? server = null)
    {
        var start = new ProcessStartInfo("bash", ["-c", script]) { WorkingDirectory = folder };
        start.Environment["CLIENT"] = Program;
        start.Environment["LOUPE_SERVER"] = server?.ToString() ?? "http://127.0.0.1:1";
        return new ClientProcess(start);
    }

    /// <param name="arguments">All but the program.</param>
    /// <param name="folder">Its working directory; null: the test's.</param>
    /// <param name="path">Where it looks for other programs; null: where the test does.</param>
    public static ClientProcess Start(IEnumerable<string> arguments, string? folder = null, string? path = null)
    {
        var start = new ProcessStartInfo(Program, arguments) { RedirectStandardInput = true, WorkingDirectory = folder ?? "" };
        if (path is not null)
        {
            start.Environment["PATH"] = path;
        }

        return new ClientProcess(start);
    }

    /// <summary>Runs to its end.</summary>
    public static async Task<CliRun> RunAsync(string script, string folder, Uri? server = null)
    {
        await using var process = Start(script, folder, server);
        return await process.EndAsync();
    }

    /// <summary>Waits for something that the program brings about; fails when it ends before.</summary>
    public async Task WaitForAsync(Task happened)
    {
        var ended = _process.WaitForExitAsync(Patience.Token());
        Assert.True(await Task.WhenAny(happened, ended) == happened, $"the program ended: {Error}");
        await happened;
    }

    /// <summary>Waits for its end.</summary>
    public async Task<CliRun> EndAsync()
    {
        await _process.WaitForExitAsync(Patience.Token());
        return new CliRun(_process.ExitCode, await _output, Error);
    }

    /// <inheritdoc cref="ProcessSignals.SignalAsync"/>
    public Task SignalAsync(string signal) => _process.SignalAsync(signal);

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync(CancellationToken.None);
        }

        _process.Dispose();
    }

    private void Keep(object sender, DataReceivedEventArgs line)
    {
        if (line.Data is not null)
        {
            lock (_error)
            {
                _error.Append(line.Data).Append('\n');
            }
        }
    }
}
