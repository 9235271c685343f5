using System.Text;
using LoupeGrpc.Client.Cli.Commands;
using LoupeGrpc.Client.Cli.Hosting;
using LoupeGrpc.FunctionalTests.Infrastructure;

namespace LoupeGrpc.FunctionalTests.Client.Video;

/// <summary>`stream` that runs in this process, for tests that do something to its source meanwhile.</summary>
internal sealed class RunningVideo : IAsyncDisposable
{
    /// <summary>A source that never comes is a failed test, and no test that never ends.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(4);

    private readonly MemoryStream _output = new();
    private readonly TextRecorder _error = new();
    private readonly FakeAnalysisServer _server;
    private readonly CliHost _host;
    private readonly Timer _late;
    private readonly Task<int> _run;

    private RunningVideo(FakeAnalysisServer server, string[] args)
    {
        _server = server;
        _host = new CliHost(_output, _error, Stream.Null);
        _late = new Timer(_ => _host.RequestInterrupt(), null, Limit, Timeout.InfiniteTimeSpan);
        _run = CommandLineApp.RunAsync(["stream", .. args, "--format", "jsonl", "--server", server.Address.ToString()], _host);
    }

    public static async Task<RunningVideo> StartAsync(params string[] args)
    {
        var service = new FakeAnalysisService { Answer = (frame, sequence) => FakeAnalysisService.Result(frame, sequence, 0.1f), MaxFrameBytes = 0 };
        return new RunningVideo(await FakeAnalysisServer.StartAsync(service), args);
    }

    /// <summary>Waits until so many frames have come to the server; fails where the run ends before.</summary>
    public Task ReceivedAsync(int frames) => WaitForAsync(_server.Service.ReceivedAsync(frames));

    /// <summary>Waits until people were told so; fails where the run ends before.</summary>
    public Task SaysAsync(string text) => WaitForAsync(Patience.UntilAsync(() => _error.Text.Contains(text, StringComparison.Ordinal)));

    public async Task<VideoRun> EndAsync()
    {
        var exitCode = await _run;
        return new VideoRun(new CliRun(exitCode, Encoding.UTF8.GetString(_output.ToArray()), _error.Text), _server.Service.Opened, _server.Service.Frames);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_run.IsCompleted)
        {
            _host.RequestInterrupt();
            await _run;
        }

        await _late.DisposeAsync();
        _host.Dispose();
        await _server.DisposeAsync();
        await _error.DisposeAsync();
        await _output.DisposeAsync();
    }

    private async Task WaitForAsync(Task happened)
    {
        Assert.True(await Task.WhenAny(happened, _run) == happened, $"the run ended: {_error.Text}");
        await happened;
    }
}
