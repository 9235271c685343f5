using System.Net;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Grpc.Net.Client.Web;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.TestSupport;
using LoupeGrpc.V1;

namespace LoupeGrpc.FunctionalTests.Web;

/// <summary>gRPC-Web, by its stock client.</summary>
public sealed class BrowserCallsTests(NanoEngine nano)
{
    [Theory]
    [InlineData(GrpcWebMode.GrpcWeb)]
    [InlineData(GrpcWebMode.GrpcWebText)]
    public async Task A_picture_has_the_same_bytes_as_over_grpc(GrpcWebMode mode)
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer);
        using var channel = Channel(server, mode);
        var request = new AnalyzeImageRequest
        {
            Encoded = new EncodedImage { Data = ByteString.CopyFrom(await File.ReadAllBytesAsync(TestData.Golden("nano-tta", "scale", "frame-000.png"), Patience.Token())) },
            Mask = new MaskSettings { Policy = MaskPolicy.Always },
        };
        var expected = await server.Client.AnalyzeImageAsync(request, cancellationToken: Patience.Token());
        var answer = await new ForgeryAnalysisService.ForgeryAnalysisServiceClient(channel).AnalyzeImageAsync(request, cancellationToken: Patience.Token());

        Assert.NotEmpty(answer.Result.Mask.Rle.Counts);
        Assert.Equal(Essence(expected), Essence(answer));
    }

    [Fact]
    public async Task What_is_wrong_has_its_status_and_details_and_a_session_is_sent_to_its_socket()
    {
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer(), new LoupeOptions { Limits = new LimitOptions { MaxFrameBytes = 1 << 20 } });
        using var channel = Channel(server, GrpcWebMode.GrpcWeb);
        var client = new ForgeryAnalysisService.ForgeryAnalysisServiceClient(channel);
        var invalid = await Assert.ThrowsAsync<RpcException>(async () => await client.AnalyzeImageAsync(new AnalyzeImageRequest(), cancellationToken: Patience.Token()));
        Assert.Equal(StatusCode.InvalidArgument, invalid.StatusCode);
        Assert.Equal(FailureCode.Invalid, invalid.GetRpcStatus()!.GetDetail<Failed>().Code);

        var large = new AnalyzeImageRequest { Encoded = new EncodedImage { Data = ByteString.CopyFrom(new byte[3 << 20]) } };
        var tooLarge = await Assert.ThrowsAsync<RpcException>(async () => await client.AnalyzeImageAsync(large, cancellationToken: Patience.Token()));
        Assert.Equal(StatusCode.ResourceExhausted, tooLarge.StatusCode);
        Assert.Contains("Loupe:Limits:MaxFrameBytes", tooLarge.Status.Detail, StringComparison.Ordinal);

        using var session = client.Analyze(cancellationToken: Patience.Token());
        await session.RequestStream.CompleteAsync();
        var refused = await Assert.ThrowsAsync<RpcException>(() => session.ResponseStream.MoveNext(Patience.Token()));
        Assert.Equal((StatusCode.Unimplemented, "streams are WebSockets here: /v1/stream"), (refused.StatusCode, refused.Status.Detail));
    }

    /// <summary>As a browser asks before it lets a page call another origin.</summary>
    [Theory]
    [InlineData("https://watch.example", "https://watch.example", true)]
    [InlineData("https://watch.example", "https://other.example", false)]
    [InlineData("*", "https://other.example", true)]
    [InlineData("none", "https://other.example", false)]
    public async Task Pages_of_other_origins_may_call_where_they_are_named(string setting, string origin, bool allowed)
    {
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer(), new LoupeOptions { Web = new WebOptions { Origins = setting } });
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        foreach (var path in (string[])["/v1/analyze", "/loupe.v1.ForgeryAnalysisService/AnalyzeImage"])
        {
            using var preflight = new HttpRequestMessage(HttpMethod.Options, new Uri(server.Server.Web!, path))
            {
                Headers = { { "Origin", origin }, { "Access-Control-Request-Method", "POST" }, { "Access-Control-Request-Headers", "authorization,content-type,x-grpc-web" } },
            };
            using var answer = await http.SendAsync(preflight, Patience.Token());
            Assert.Equal((path, allowed), (path, answer.StatusCode == HttpStatusCode.NoContent && answer.Headers.Contains("Access-Control-Allow-Origin")));
        }

        using var info = new HttpRequestMessage(HttpMethod.Get, new Uri(server.Server.Web!, "/v1/info")) { Headers = { { "Origin", origin } } };
        using var told = await http.SendAsync(info, Patience.Token());
        Assert.Equal((HttpStatusCode.OK, allowed), (told.StatusCode, told.Headers.Contains("Access-Control-Allow-Origin")));
    }

    private static GrpcChannel Channel(RunningServer server, GrpcWebMode mode) => GrpcChannel.ForAddress(server.Server.Web!, new GrpcChannelOptions
    {
        HttpHandler = new GrpcWebHandler(mode, new SocketsHttpHandler { UseProxy = false }),
        HttpVersion = HttpVersion.Version11,
        DisposeHttpClient = true,
    });

    /// <summary>Without what time leaves in it.</summary>
    private static string Essence(AnalyzeImageResponse response)
    {
        var essence = response.Clone();
        essence.Result.Timings = null;
        return essence.ToByteString().ToBase64();
    }
}
