using System.Diagnostics;
using System.Text;

namespace LoupeGrpc.FunctionalTests.Infrastructure;

/// <summary>The program as a user runs it. Disposing kills what still runs.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    public static readonly string Program = Path.Combine(AppContext.BaseDirectory, "loupe-grpc-server");

    private readonly Process _process;
    private readonly StringBuilder _error = new();

    private ServerProcess(Process process) => _process = process;

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

    /// <param name="environment">Beside the test's own.</param>
    public static ServerProcess Start(IEnumerable<string> arguments, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(Program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        var process = new ServerProcess(Process.Start(start) ?? throw new InvalidOperationException($"{Program} did not start."));
        process._process.ErrorDataReceived += process.Keep;
        process._process.BeginErrorReadLine();
        return process;
    }

    /// <summary>Runs to its end.</summary>
    public static async Task<(int Code, string Output, string Error)> RunAsync(IEnumerable<string> arguments, params (string Name, string Value)[] environment)
    {
        await using var process = Start(arguments, environment);
        var output = await process._process.StandardOutput.ReadToEndAsync(Patience.Token());
        return (await process.ExitAsync(), output, process.Error);
    }

    /// <summary>The next line of standard output; null at its end.</summary>
    public Task<string?> ReadLineAsync() => _process.StandardOutput.ReadLineAsync(Patience.Token()).AsTask();

    public Task<string> ReadToEndAsync() => _process.StandardOutput.ReadToEndAsync(Patience.Token());

    /// <summary>Sends a signal by its name, e.g. <c>TERM</c>.</summary>
    public async Task SignalAsync(string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", $"{_process.Id}"]);
        await kill.WaitForExitAsync(Patience.Token());
        Assert.Equal(0, kill.ExitCode);
    }

    /// <summary>Waits until standard error has a text.</summary>
    public async Task WaitForErrorAsync(string text)
    {
        while (!Error.Contains(text, StringComparison.Ordinal))
        {
            await Task.Delay(50, Patience.Token());
        }
    }

    /// <summary>Its exit code, when it has ended by itself.</summary>
    public async Task<int> ExitAsync()
    {
        await _process.WaitForExitAsync(Patience.Token());
        return _process.ExitCode;
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

    private void Keep(object sender, DataReceivedEventArgs line)
    {
        lock (_error)
        {
            _error.AppendLine(line.Data);
        }
    }
}
