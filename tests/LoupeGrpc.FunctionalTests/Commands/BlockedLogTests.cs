using System.Diagnostics;
using System.Text.RegularExpressions;
using Google.Protobuf;
using Grpc.Net.Client;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.TestSupport;
using LoupeGrpc.V1;

namespace LoupeGrpc.FunctionalTests.Commands;

/// <summary>A pipe for the log that nobody reads: the server goes on.</summary>
public sealed partial class BlockedLogTests : IDisposable
{
    private const string Dropped = "message(s) dropped because of queue size limit";

    private readonly TemporaryDirectory _temporary = new();
    private readonly List<Process> _started = [];

    public void Dispose()
    {
        foreach (var server in _started)
        {
            if (!server.HasExited)
            {
                server.Kill();
            }

            server.Dispose();
        }

        _temporary.Dispose();
    }

    [Fact]
    public async Task Frames_are_answered_and_the_lines_that_are_missing_are_counted()
    {
        var server = Start();
        var client = await ClientAsync(server);
        await AnalyzeAsync(client, 300);

        // Somebody reads again: first what was in the pipe and the queue, then how many lines were dropped.
        var log = new List<string>();
        while (await server.StandardError.ReadLineAsync(Patience.Token()) is { } line)
        {
            log.Add(line);
            if (line.Contains(Dropped, StringComparison.Ordinal))
            {
                break;
            }
        }

        var number = Number().Match(log[^1]);
        Assert.True(number.Success, log[^1]);
        Assert.True(int.Parse(number.Value) > 1000, log[^1]);
        // And what is logged from then on is there again.
        var rest = server.StandardError.ReadToEndAsync(Patience.Token());
        await AnalyzeAsync(client, 1);
        await StopAsync(server);
        Assert.Contains("Stopping: 0 open sessions", await rest, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_stops_when_it_is_told_to_although_its_log_is_never_read()
    {
        var server = Start();
        await AnalyzeAsync(await ClientAsync(server), 300);
        await StopAsync(server);
    }

    private Process Start()
    {
        var start = new ProcessStartInfo(
            Path.Combine(AppContext.BaseDirectory, "loupe-grpc-server"),
            [
                "serve", "--listen", "http://127.0.0.1:0", "--operations", "http://127.0.0.1:0",
                // What waits for the log would be cut off later than a test has patience.
                "--Loupe:Shutdown:DrainTimeout=30m", "--Logging:LogLevel:Default=Trace", "--Logging:LogLevel:Grpc=Trace", "--Logging:LogLevel:Microsoft=Trace",
            ])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["XDG_CACHE_HOME"] = _temporary.FullName;
        var server = Process.Start(start)!;
        _started.Add(server);
        return server;
    }

    private static async Task<ForgeryAnalysisService.ForgeryAnalysisServiceClient> ClientAsync(Process server)
    {
        var ready = await server.StandardOutput.ReadLineAsync(Patience.Token());
        return new(GrpcChannel.ForAddress(ready!.Split(' ')[1]));
    }

    /// <summary>Each call is some thirty lines of log.</summary>
    private static async Task AnalyzeAsync(ForgeryAnalysisService.ForgeryAnalysisServiceClient client, int calls)
    {
        var picture = ByteString.CopyFrom(await File.ReadAllBytesAsync(TestData.Sample("authentic-rocket.png"), Patience.Token()));
        var request = new AnalyzeImageRequest { Encoded = new EncodedImage { Data = picture } };
        Assert.NotNull((await client.AnalyzeImageAsync(request, cancellationToken: Patience.Token())).Result);
        for (var call = 1; call < calls; call++)
        {
            await client.GetServerInfoAsync(new GetServerInfoRequest(), cancellationToken: Patience.Token());
        }

        Assert.NotNull((await client.AnalyzeImageAsync(request, cancellationToken: Patience.Token())).Result);
    }

    private static async Task StopAsync(Process server)
    {
        await server.SignalAsync("TERM");
        await server.WaitForExitAsync(Patience.Token());
        Assert.Equal(0, server.ExitCode);
    }

    [GeneratedRegex(@"\d+(?= message\(s\) dropped)")]
    private static partial Regex Number();
}
