using System.Text.Json;
using System.Text.RegularExpressions;
using Google.Protobuf;
using Grpc.Net.Client;
using LoupeGrpc.Execution;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.TestSupport;
using LoupeGrpc.V1;

namespace LoupeGrpc.FunctionalTests.Execution;

/// <summary>A package with int8, served.</summary>
public sealed partial class Int8Tests
{
    /// <summary>Told to run it: on every processor, as long as the self-check holds.</summary>
    [Fact]
    public async Task Int8_is_served_and_named_wherever_a_precision_is()
    {
        await using var server = Start("--Loupe:Execution:CPU:Precision=int8", "--web", "http://127.0.0.1:0");
        var ready = (await server.ReadLineAsync())!;
        Assert.Contains("provider=CPU precision=int8", ready, StringComparison.Ordinal);
        using var channel = GrpcChannel.ForAddress(ready.Split(' ')[1]);
        var client = new ForgeryAnalysisService.ForgeryAnalysisServiceClient(channel);
        var info = await client.GetServerInfoAsync(new GetServerInfoRequest(), cancellationToken: Patience.Token());
        Assert.Equal("int8", info.Execution.Precision);
        Assert.Equal("int8", Assert.Single(info.Ladder).Precision);

        var forged = (await AnalyzeAsync(client, "forged-cat-inpainted.png")).Result;
        Assert.Equal((Verdict.Manipulated, "int8"), (forged.Verdict, forged.Execution.Precision));
        Assert.NotEmpty(forged.Regions);
        Assert.Equal(Verdict.Authentic, (await AnalyzeAsync(client, "authentic-chelsea.png")).Result.Verdict);

        using var http = new HttpClient { BaseAddress = new Uri(WebAddress().Match(ready).Groups[1].Value) };
        using var shown = JsonDocument.Parse(await http.GetStringAsync(new Uri("/v1/info", UriKind.Relative), Patience.Token()));
        Assert.Equal("int8", shown.RootElement.GetProperty("ladder")[0].GetProperty("precision").GetString());

        await server.SignalAsync("TERM");
        Assert.Equal(0, await server.ExitAsync());
        Assert.Contains("The package has int8, and the CPU is to run int8, as Loupe:Execution:CPU:Precision says.", server.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Untold_the_processor_decides_and_the_log_says_why()
    {
        await using var server = Start();
        var ready = await server.ReadLineAsync();
        var precision = Int8Processor.IsFast ? "int8" : "fp32";
        Assert.Contains($"provider=CPU precision={precision}", ready, StringComparison.Ordinal);
        await server.SignalAsync("TERM");
        Assert.Equal(0, await server.ExitAsync());
        Assert.Contains($"The package has int8, and the CPU is to run {precision}. {Int8Processor.Description}", server.Error, StringComparison.Ordinal);
    }

    /// <summary>The state is single precision's, and what it learns from is what int8 leaves.</summary>
    [Fact]
    public async Task A_session_adapts_on_int8()
    {
        await using var server = Start("--Loupe:Execution:CPU:Precision=int8");
        using var channel = GrpcChannel.ForAddress((await server.ReadLineAsync())!.Split(' ')[1]);
        using var call = new ForgeryAnalysisService.ForgeryAnalysisServiceClient(channel).Analyze(cancellationToken: Patience.Token());
        await call.RequestStream.WriteAsync(
            new AnalyzeRequest
            {
                Open = new OpenSession
                {
                    Mask = new MaskSettings { Policy = MaskPolicy.Always },
                    Adaptation = new AdaptationSettings { Enabled = true, MinConfidence = -1 },
                },
            },
            Patience.Token());
        const int Frames = 3;
        for (int frame = 0; frame < Frames; frame++)
        {
            await call.RequestStream.WriteAsync(
                new AnalyzeRequest
                {
                    Frame = new Frame
                    {
                        FrameId = (ulong)frame,
                        Encoded = new EncodedImage { Data = ByteString.CopyFrom(await File.ReadAllBytesAsync(TestData.Golden("nano-tta", "scale", $"frame-{frame:000}.png"), Patience.Token())) },
                    },
                },
                Patience.Token());
        }

        await call.RequestStream.CompleteAsync();
        List<FrameResult> results = [];
        while (await call.ResponseStream.MoveNext(Patience.Token()))
        {
            if (call.ResponseStream.Current.Outcome?.Result is { } result)
            {
                results.Add(result);
            }
        }

        Assert.Equal([0L, 1, 2], results.Select(static result => (long)result.Adaptation.Step));
        Assert.All(results, static result => Assert.Equal("int8", result.Execution.Precision));
        Assert.Equal(Frames, results.Select(static result => result.Adaptation.Hash).Distinct().Count());
        Assert.True(results[2].Adaptation.Drift > results[1].Adaptation.Drift);
    }

    private static ServerProcess Start(params string[] settings) => ServerProcess.Start(
    [
        "serve", "--model", TestPackages.NanoInt8.Directory, "--listen", "http://127.0.0.1:0", "--operations", "http://127.0.0.1:0",
        "--Loupe:Execution:Providers=CPU", .. settings,
    ]);

    private static async Task<AnalyzeImageResponse> AnalyzeAsync(ForgeryAnalysisService.ForgeryAnalysisServiceClient client, string sample) =>
        await client.AnalyzeImageAsync(
            new AnalyzeImageRequest { Encoded = new EncodedImage { Data = ByteString.CopyFrom(await File.ReadAllBytesAsync(TestData.Sample(sample), Patience.Token())) } },
            cancellationToken: Patience.Token());

    [GeneratedRegex(@" web=(\S+)")]
    private static partial Regex WebAddress();
}
