using System.Diagnostics;
using LoupeGrpc.Client;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.TestSupport;
using LoupeGrpc.V1;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace LoupeGrpc.FunctionalTests.Hosting;

/// <summary>What the program sends to a collector by OTLP.</summary>
public sealed class TelemetryTests
{
    private static readonly string[] Stages = ["decode", "encode", "mask", "preprocess", "segment"];

    [Theory]
    [InlineData(HttpProtocols.Http2, "grpc")]
    [InlineData(HttpProtocols.Http1, "http")]
    public async Task A_trace_goes_from_the_client_through_the_stages_of_its_frames(HttpProtocols protocols, string protocol)
    {
        await using var collector = await TestCollector.StartAsync(protocols);
        using var ours = new Activity("ours").SetIdFormat(ActivityIdFormat.W3C);
        ours.ActivityTraceFlags = ActivityTraceFlags.Recorded;
        ours.Start();
        await RunAsync(collector, protocol, frames: 3);

        var spans = collector.Spans.Where(span => span.Trace == ours.TraceId.ToHexString()).ToList();
        var frames = spans.Where(static span => span.Name == "frame").ToList();
        Assert.Equal(3, frames.Count);
        // HttpClient has a span of its own between ours and the server's.
        var call = Assert.Single(spans, span => span.Id == frames[0].Parent);
        Assert.NotEmpty(call.Parent);
        Assert.All(frames, frame =>
        {
            Assert.Equal(call.Id, frame.Parent);
            Assert.Contains("loupe.frame_id loupe.score loupe.verdict loupe.outcome", frame.Attributes, StringComparison.Ordinal);
            Assert.Equal(Stages, spans.Where(span => span.Parent == frame.Id && Stages.Contains(span.Name)).Select(static span => span.Name).Order(StringComparer.Ordinal));
        });
        foreach (var run in (string[])["run encode", "run segment"])
        {
            var links = spans.Where(span => span.Name == run).SelectMany(static span => span.Links);
            Assert.Equal(frames.Select(static frame => frame.Id).Order(StringComparer.Ordinal), links.Order(StringComparer.Ordinal));
        }

        Assert.True(collector.Has("metrics", "loupe.stage.duration"u8));
        Assert.True(collector.Has("metrics", "http.server.request.duration"u8));
        // An exemplar: a measurement that names the trace it was taken in.
        Assert.True(collector.Has("metrics", Convert.FromHexString(ours.TraceId.ToHexString())));
        Assert.True(collector.Has("logs", "half-closed"u8));
        Assert.All(collector.Headers, static headers => Assert.Contains("x-token=secret", headers, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Who_does_not_record_is_not_recorded()
    {
        await using var collector = await TestCollector.StartAsync(HttpProtocols.Http1);
        using var ours = new Activity("ours").SetIdFormat(ActivityIdFormat.W3C);
        ours.Start();
        await RunAsync(collector, "http", frames: 1);

        Assert.DoesNotContain(collector.Spans, span => span.Trace == ours.TraceId.ToHexString());
        Assert.True(collector.Has("logs", "half-closed"u8));
    }

    [Fact]
    public async Task A_collector_that_is_not_there_disturbs_nobody_and_is_named()
    {
        await using var process = ServerProcess.Start(
            [.. Addresses, "--Loupe:Telemetry:Endpoint=http://127.0.0.1:9"], ("OTEL_METRIC_EXPORT_INTERVAL", "200"));
        var address = (await process.ReadLineAsync())!.Split(' ')[1];
        await AnalyzeAsync(address, frames: 2);

        await process.WaitForErrorAsync("The collector of Loupe:Telemetry:Endpoint does not take what it is sent");
        await process.SignalAsync("TERM");
        Assert.Equal(0, await process.ExitAsync());
    }

    [Theory]
    [InlineData("Endpoint", "collector:4317")]
    [InlineData("Headers", "secret")]
    public async Task What_is_no_address_or_no_header_is_a_settings_error(string setting, string value)
    {
        var (code, _, error) = await ServerProcess.RunAsync([$"--Loupe:Telemetry:{setting}={value}", "--Loupe:Telemetry:Protocol=grpc"]);

        Assert.Equal(2, code);
        Assert.Contains($"Loupe:Telemetry:{setting}", error, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", error, StringComparison.Ordinal);
    }

    private static string[] Addresses => ["serve", "--listen", "http://127.0.0.1:0", "--operations", "http://127.0.0.1:0"];

    private static async Task RunAsync(TestCollector collector, string protocol, int frames)
    {
        await using var process = ServerProcess.Start(
        [
            .. Addresses, $"--Loupe:Telemetry:Endpoint={collector.Address}", $"--Loupe:Telemetry:Protocol={protocol}", "--Loupe:Telemetry:Headers=x-token=secret",
            "--Loupe:Telemetry:SampledFrames=1",
        ]);
        await AnalyzeAsync((await process.ReadLineAsync())!.Split(' ')[1], frames);
        await process.SignalAsync("TERM");
        // What is left is sent before the end.
        Assert.Equal(0, await process.ExitAsync());
    }

    private static async Task AnalyzeAsync(string address, int frames)
    {
        using var client = await LoupeClient.ConnectAsync(new LoupeClientOptions { Address = new Uri(address) }, Patience.Token());
        await using var session = await client.OpenSessionAsync(new LoupeSessionOptions { Mask = new MaskSettings { Policy = MaskPolicy.Always } }, Patience.Token());
        var picture = await File.ReadAllBytesAsync(TestData.Sample("forged-second-rocket.png"), Patience.Token());
        var reading = session.Results(Patience.Token()).ToListAsync(Patience.Token());
        for (var i = 0; i < frames; i++)
        {
            await session.SendAsync(new EncodedFrame(picture), Patience.Token());
        }

        await session.CompleteAsync(Patience.Token());
        Assert.Equal(frames, (await reading).Count);
    }
}
