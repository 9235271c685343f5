using System.Text.Json.Nodes;
using Google.Protobuf;
using Grpc.Core;
using LoupeGrpc.FunctionalTests.Inference;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.TestSupport;
using LoupeGrpc.V1;

namespace LoupeGrpc.FunctionalTests.Calls;

/// <summary>Pictures in tiles by each door of the server, with the embedded model.</summary>
public sealed class TileTests(NanoEngine nano)
{
    // Of 900 x 112 pixels: six tiles of 224.
    private static readonly byte[] Strip = File.ReadAllBytes(TestData.Golden("tiles", "strip-900x112.png"));

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_door_has_the_same_answer()
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer);
        var single = await AnalyzeAsync(server, new TileSettings { Policy = TilePolicy.Auto });
        var whole = await AnalyzeAsync(server, tiles: null);

        using var session = await server.OpenAsync(new OpenSession { Tiles = new TileSettings { Policy = TilePolicy.Auto }, Mask = new MaskSettings { Policy = MaskPolicy.Always } });
        await session.SendFrameAsync(1, static frame => frame.Encoded = new EncodedImage { Data = ByteString.CopyFrom(Strip) });
        var streamed = (await session.NextOutcomeAsync()).Result;
        var inferred = await Infer.AskAsync(server, Infer.Files(Strip).With("tiles", "auto").With("mask", "always"));
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        using var body = new ByteArrayContent(Strip) { Headers = { ContentType = new("image/png") } };
        using var posted = await http.PostAsync(new Uri(server.Server.Web!, "/v1/analyze?tiles=auto&mask=always"), body, Token);
        var line = JsonNode.Parse(await posted.Content.ReadAsStringAsync(Token))!;

        Assert.Null(whole.Tiles);
        Assert.Equal((6u, 6u, 160u, false, 1d), (single.Tiles.Analysed, single.Tiles.Total, single.Tiles.Step, single.Tiles.WholePictureRun, single.Tiles.Coverage));
        Assert.Equal(new Box { X = 406, Y = 0, Width = 224, Height = 112 }, single.Tiles.Peak.Box);
        Assert.Equal((single.Score, single.Mask, single.Tiles), (streamed.Score, streamed.Mask, streamed.Tiles));
        Infer.AssertSame(single, inferred, 0);
        Assert.Equal(single.Score, (float)line["score"]!);
        Assert.Equal(
            """{"analysed":6,"of":6,"step":160,"whole_picture_run":false,"coverage":1,"peak":{"score":PEAK,"box":[406,0,224,112]}}""".Replace(
                "PEAK", line["tiles"]!["peak"]!["score"]!.ToJsonString(), StringComparison.Ordinal),
            line["tiles"]!.ToJsonString());
        Assert.Equal((new TileSettings { Policy = TilePolicy.Auto, MaxTiles = 256 }, 1024u), (session.Grant.Tiles, session.Grant.Limits.MaxTiles));
        Assert.True(session.Grant.Model.NativeTiles);
    }

    [Fact]
    public async Task A_session_that_adapts_has_whole_pictures()
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer);
        var adapting = new OpenSession { Tiles = new TileSettings { Policy = TilePolicy.Auto }, Adaptation = new AdaptationSettings { Enabled = true } };
        using var session = await server.OpenAsync(adapting);
        await session.SendFrameAsync(1, static frame => frame.Encoded = new EncodedImage { Data = ByteString.CopyFrom(Strip) });

        Assert.Null((await session.NextOutcomeAsync()).Result.Tiles);
        using var refused = server.Call();
        adapting.Tiles.Policy = TilePolicy.Native;
        await refused.SendAsync(new AnalyzeRequest { Open = adapting });
        var (_, failure) = await refused.FailureAsync();
        Assert.Equal(StatusCode.InvalidArgument, failure.StatusCode);
        Assert.Contains("tile policy NATIVE is not for sessions that adapt", failure.Status.Detail, StringComparison.Ordinal);
    }

    /// <summary>By a control, which comes later than the session's settings.</summary>
    [Fact]
    public async Task A_session_in_tiles_does_not_begin_to_adapt()
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer);
        using var session = await server.OpenAsync(new OpenSession { Tiles = new TileSettings { Policy = TilePolicy.Native } });

        await session.SendAsync(new Control { ControlId = 4, SetAdaptation = new SetAdaptation { Settings = new AdaptationSettings { Enabled = true } } });

        var reply = await session.NextReplyAsync();
        Assert.Equal(FailureCode.Invalid, reply.Failed.Code);
        Assert.Contains("tile policy NATIVE", reply.Failed.Message, StringComparison.Ordinal);
        await session.SendFrameAsync(1, static frame => frame.Encoded = new EncodedImage { Data = ByteString.CopyFrom(Strip) });
        Assert.Equal(6u, (await session.NextOutcomeAsync()).Result.Tiles.Analysed);
    }

    [Fact]
    public async Task More_tiles_than_the_server_allows_are_refused_and_the_setting_is_named()
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer, new LoupeOptions { Limits = new LimitOptions { MaxTiles = 4 } });

        var failure = await Assert.ThrowsAsync<RpcException>(() => AnalyzeAsync(server, new TileSettings { Policy = TilePolicy.Native, MaxTiles = 5 }));
        var few = await AnalyzeAsync(server, new TileSettings { Policy = TilePolicy.Native });

        Assert.Equal((StatusCode.InvalidArgument, "max_tiles is 5, more than 4: Loupe:Limits:MaxTiles"), (failure.StatusCode, failure.Status.Detail));
        Assert.Equal((4u, 5u, 224u, true), (few.Tiles.Analysed, few.Tiles.Total, few.Tiles.Step, few.Tiles.WholePictureRun));
    }

    [Fact]
    public async Task Raw_frames_are_whole()
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer);
        var raw = new RawImage { Format = new FrameFormat { PixelFormat = PixelFormat.Gray8, Width = 700, Height = 10 }, Data = ByteString.CopyFrom(new byte[7000]) };

        var answer = await server.Client.AnalyzeImageAsync(new AnalyzeImageRequest { Raw = raw, Tiles = new TileSettings { Policy = TilePolicy.Auto } }, cancellationToken: Token);
        var failure = await Assert.ThrowsAsync<RpcException>(
            async () => await server.Client.AnalyzeImageAsync(new AnalyzeImageRequest { Raw = raw, Tiles = new TileSettings { Policy = TilePolicy.Native } }, cancellationToken: Token));

        Assert.Null(answer.Result.Tiles);
        Assert.Equal(StatusCode.Unimplemented, failure.StatusCode);
    }

    private static async Task<FrameResult> AnalyzeAsync(RunningServer server, TileSettings? tiles)
    {
        var request = new AnalyzeImageRequest
        {
            Encoded = new EncodedImage { Data = ByteString.CopyFrom(Strip) },
            Tiles = tiles,
            Mask = new MaskSettings { Policy = MaskPolicy.Always },
        };
        return (await server.Client.AnalyzeImageAsync(request, cancellationToken: Token)).Result;
    }
}
