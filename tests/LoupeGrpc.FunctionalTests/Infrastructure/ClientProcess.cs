using System.Diagnostics;
using LoupeGrpc.TestSupport;

namespace LoupeGrpc.FunctionalTests.Infrastructure;

/// <summary>The client's program as a user runs it. Disposing kills what still runs.</summary>
internal sealed class ClientProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly Task<string> _output;
    private readonly Task<string> _error;

    private ClientProcess(Process process)
    {
        _process = process;
        _output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        _error = process.StandardError.ReadToEndAsync(CancellationToken.None);
    }

    /// <summary>Where it was built: beside the tests, which have ASP.NET, it lacks what that brings.</summary>
    public static string Program { get; } = Path.Combine(
        TestData.RepositoryRoot,
        "clients/dotnet/LoupeGrpc.Client.Cli",
        Path.GetRelativePath(Path.Combine(TestData.RepositoryRoot, "tests/LoupeGrpc.FunctionalTests"), AppContext.BaseDirectory),
        "loupe-grpc-client");

    /// <summary>Through a shell, which can say what .NET cannot: names that are not UTF-8, other users, pipes.</summary>
    /// <param name="script">For bash; <c>$CLIENT</c> is the program. It may <c>exec</c> it, so that signals reach it.</param>
    /// <param name="folder">Where it runs.</param>
    /// <param name="server">Where the client finds its server.</param>
    public static ClientProcess Start(string script, string folder, Uri? server = null)
    {
        var start = new ProcessStartInfo("bash", ["-c", script]) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["CLIENT"] = Program;
        start.Environment["LOUPE_SERVER"] = server?.ToString() ?? "http://127.0.0.1:1";
        return new ClientProcess(Process.Start(start)!);
    }

    /// <summary>Runs to its end.</summary>
    public static async Task<(int Code, string Output, string Error)> RunAsync(string script, string folder, Uri? server = null)
    {
        await using var process = Start(script, folder, server);
        return await process.EndAsync();
    }

    /// <summary>Waits for its end.</summary>
    public async Task<(int Code, string Output, string Error)> EndAsync()
    {
        await _process.WaitForExitAsync(Patience.Token());
        return (_process.ExitCode, await _output, await _error);
    }

    /// <summary>Sends a signal by its name, e.g. <c>TERM</c>.</summary>
    public async Task SignalAsync(string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", $"{_process.Id}"]);
        await kill.WaitForExitAsync(Patience.Token());
        Assert.Equal(0, kill.ExitCode);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync(CancellationToken.None);
        }

        _process.Dispose();
    }
}
