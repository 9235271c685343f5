using System.Diagnostics;
using System.Text;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.TestSupport;

namespace LoupeGrpc.FunctionalTests.Client.Video;

/// <summary>The program as a user runs it. Disposing kills what still runs.</summary>
internal sealed class ClientProcess : IAsyncDisposable
{
    /// <summary>Where it was built; beside the tests it would lack what ASP.NET brings them.</summary>
    private static readonly string Program = Path.Combine(
        TestData.RepositoryRoot,
        "clients/dotnet/LoupeGrpc.Client.Cli",
        Path.GetRelativePath(Path.Combine(TestData.RepositoryRoot, "tests/LoupeGrpc.FunctionalTests"), AppContext.BaseDirectory),
        "loupe-grpc-client");

    private readonly Process _process;
    private readonly StringBuilder _error = new();
    private readonly Task<string> _output;

    private ClientProcess(Process process)
    {
        _process = process;
        process.ErrorDataReceived += (_, line) =>
        {
            lock (_error)
            {
                _error.AppendLine(line.Data);
            }
        };
        process.BeginErrorReadLine();
        _output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
    }

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

    /// <summary>Takes bytes until it is closed.</summary>
    public Stream Input => _process.StandardInput.BaseStream;

    /// <param name="arguments">All but the program.</param>
    /// <param name="folder">Its working directory.</param>
    /// <param name="path">Where it looks for other programs; null: where the test does.</param>
    public static ClientProcess Start(IEnumerable<string> arguments, string? folder = null, string? path = null)
    {
        var start = new ProcessStartInfo(Program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder ?? "",
        };
        if (path is not null)
        {
            start.Environment["PATH"] = path;
        }

        return new ClientProcess(Process.Start(start)!);
    }

    /// <summary>Sends a signal by its name, e.g. `TERM`.</summary>
    public async Task SignalAsync(string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", $"{_process.Id}"]);
        await kill.WaitForExitAsync(Patience.Token());
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

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync(CancellationToken.None);
        }

        _process.Dispose();
    }
}
