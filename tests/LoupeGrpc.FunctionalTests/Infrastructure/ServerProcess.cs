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

    public int Id => _process.Id;

    /// <summary>Used so far.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <param name="environment">Beside the test's own.</param>
    public static ServerProcess Start(IEnumerable<string> arguments, params (string Name, string Value)[] environment) => Start(Program, arguments, environment);

    /// <summary>A line of shell that starts the program as <c>"$0"</c>, with the arguments in <c>"$@"</c>.</summary>
    public static ServerProcess StartByShell(string line, IEnumerable<string> arguments, params (string Name, string Value)[] environment) =>
        Start("/bin/sh", ["-c", line, Program, .. arguments], environment);

    /// <summary>The same to its end.</summary>
    public static Task<(int Code, string Output, string Error)> RunByShellAsync(string line, IEnumerable<string> arguments, params (string Name, string Value)[] environment) =>
        EndAsync(StartByShell(line, arguments, environment));

    /// <summary>Runs to its end.</summary>
    public static Task<(int Code, string Output, string Error)> RunAsync(IEnumerable<string> arguments, params (string Name, string Value)[] environment) =>
        EndAsync(Start(arguments, environment));

    /// <summary>On free ports, with the embedded model, on the CPU.</summary>
    public static ServerProcess Serve(NanoEngine nano, params string[] settings) => Start(
        ["serve", "--listen", "http://127.0.0.1:0", "--operations", "http://127.0.0.1:0", "--Loupe:Execution:Providers=CPU", .. settings],
        ("Loupe__Model__CacheDirectory", nano.CacheDirectory));

    private static ServerProcess Start(string program, IEnumerable<string> arguments, (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        // Two servers on one machine must not meet at its default port: who tests it says where.
        start.Environment["Loupe__Endpoints__Web"] = "off";
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        var process = new ServerProcess(Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start."));
        process._process.ErrorDataReceived += process.Keep;
        process._process.BeginErrorReadLine();
        return process;
    }

    /// <summary>Waits for the ready line, once.</summary>
    /// <returns>Where it answers gRPC.</returns>
    public async Task<Uri> ReadyAsync()
    {
        var ready = await ReadLineAsync();
        Assert.True(ready is not null, Error);
        return new Uri(ready.Split(' ')[1]);
    }

    /// <summary>The next line of standard output; null at its end.</summary>
    public Task<string?> ReadLineAsync() => _process.StandardOutput.ReadLineAsync(Patience.Token()).AsTask();

    public Task<string> ReadToEndAsync() => _process.StandardOutput.ReadToEndAsync(Patience.Token());

    /// <inheritdoc cref="ProcessSignals.SignalAsync"/>
    public Task SignalAsync(string signal) => _process.SignalAsync(signal);

    /// <summary>Waits until standard error has a text.</summary>
    public async Task WaitForErrorAsync(string text)
    {
        var patience = Patience.Token();
        while (!Error.Contains(text, StringComparison.Ordinal))
        {
            await Task.Delay(50, patience);
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

    private static async Task<(int Code, string Output, string Error)> EndAsync(ServerProcess started)
    {
        await using var process = started;
        var output = await process._process.StandardOutput.ReadToEndAsync(Patience.Token());
        return (await process.ExitAsync(), output, process.Error);
    }

    private void Keep(object sender, DataReceivedEventArgs line)
    {
        lock (_error)
        {
            _error.AppendLine(line.Data);
        }
    }
}
