using System.Text.Json.Nodes;
using Google.Protobuf;
using Grpc.Core;
using LoupeGrpc.FunctionalTests.Inference;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.TestSupport;
using LoupeGrpc.V1;
using OpenCvSharp;

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

    /// <summary>Of a static picture: the score is that of ever more of its six tiles, and the mask in the end that of the picture; raw frames, in the order of receipt, with a word on each.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Each_frame_of_a_session_shows_some_tiles_and_the_result_names_them(bool unordered)
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer);
        var all = await AnalyzeAsync(server, new TileSettings { Policy = TilePolicy.Native });
        var open = Rotating(perFrame: 2);
        open.Unordered = unordered;
        open.Explain = "en";
        using var session = await server.OpenAsync(open);
        var granted = session.Grant.Tiles;
        for (ulong id = 0; id < 5; id++)
        {
            await session.SendFrameAsync(id, static frame => frame.Raw = RawStrip());
        }

        List<FrameResult> results = [];
        for (int i = 0; i < 5; i++)
        {
            results.Add((await session.NextOutcomeAsync()).Result);
        }

        Assert.Equal(new TileSettings { Policy = TilePolicy.Native, MaxTiles = 256, TilesPerFrame = 2 }, granted);
        Assert.Equal([(2u, 1u), (4u, 2u), (6u, 3u), (6u, 3u), (6u, 3u)], results.Select(static result => (result.Tiles.Analysed, result.Tiles.Window.Frames)));
        Assert.All(results, static result => Assert.Equal((6u, 3u, 2u, result.Tiles.Analysed), (result.Tiles.Total, result.Tiles.Window.Size, result.Tiles.Window.Fresh, result.Tiles.Window.Masked)));
        Assert.Equal((2d / 6, 4d / 6, 1d), (results[0].Tiles.Coverage, results[1].Tiles.Coverage, results[2].Tiles.Coverage));
        Assert.All(results[2..], result => Assert.Equal((all.Score, all.Tiles.Peak), (result.Score, result.Tiles.Peak)));
        Assert.All(results[2..], result => Assert.InRange((double)result.Mask.Area / all.Mask.Area, 0.999, 1.001));
        Assert.Contains(results[0].Explanation, static sentence => sentence.Code == ExplanationCode.TilesInPart);
        Assert.Contains(results[1].Explanation, static sentence => sentence.Code == ExplanationCode.TilesOfFramesInPart);
        Assert.Contains(results[2].Explanation, static sentence => sentence.Code == ExplanationCode.TilesOfFrames);
    }

    /// <summary>Its own scene cuts are seen whether or not verdicts over time are asked for.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Another_scene_begins_anew(bool temporal)
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer);
        var open = Rotating(perFrame: 2);
        open.Temporal = temporal ? new TemporalSettings { Enabled = true } : null;
        using var session = await server.OpenAsync(open);

        List<(uint, ulong)> seen = [];
        for (ulong id = 0; id < 6; id++)
        {
            await session.SendFrameAsync(id, frame => frame.Raw = id < 3 ? RawStrip() : Halves());
            var result = (await session.NextOutcomeAsync()).Result;
            seen.Add((result.Tiles.Window.Frames, result.Temporal?.Scene ?? 9));
        }

        Assert.Equal([1u, 2u, 3u, 1u, 2u, 3u], seen.Select(static one => one.Item1));
        Assert.Equal(temporal ? [0, 0, 0, 1, 1, 1] : [9, 9, 9, 9, 9, 9], seen.Select(static one => one.Item2));
    }

    [Fact]
    public async Task A_session_that_is_resumed_on_its_server_goes_on_with_its_tiles()
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer);
        using var connection = server.Connect();
        var open = Rotating(perFrame: 2);
        open.Resumable = true;
        using var broken = await connection.OpenAsync(open);
        await broken.SendFrameAsync(0, static frame => frame.Raw = RawStrip());
        Assert.Equal(1u, (await broken.NextOutcomeAsync()).Result.Tiles.Window.Frames);

        await server.BreakAsync(connection);
        using var resumed = await server.ResumeAsync(broken);
        await resumed.SendFrameAsync(1, static frame => frame.Raw = RawStrip());

        var tiles = (await resumed.NextOutcomeAsync()).Result.Tiles;
        Assert.Equal((4u, 2u), (tiles.Analysed, tiles.Window.Frames));
    }

    /// <summary>Frames that are dropped are not among those of the window.</summary>
    [Fact]
    public async Task Of_the_freshest_those_that_were_analysed_count()
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer);
        var open = Rotating(perFrame: 1);
        open.Delivery = new DeliveryPolicy { Mode = DeliveryMode.Freshest };
        using var session = await server.OpenAsync(open);
        for (ulong id = 0; id < 40; id++)
        {
            await session.SendFrameAsync(id, static frame => frame.Raw = RawStrip());
        }

        uint expected = 0, dropped = 0;
        for (int i = 0; i < 40; i++)
        {
            var outcome = await session.NextOutcomeAsync();
            if (outcome.Result is { } result)
            {
                expected = Math.Min(expected + 1, 6);
                Assert.Equal((expected, expected), (result.Tiles.Window.Frames, result.Tiles.Analysed));
            }
            else
            {
                Assert.Equal(DropReason.Superseded, outcome.Dropped.Reason);
                dropped++;
            }
        }

        Assert.True(dropped > 0, "none was dropped");
    }

    [Theory]
    [InlineData(4097u, 0u, TilePolicy.Native, 0u, "tiles_per_frame is 4097, more than 4096")]
    [InlineData(1u, 4097u, TilePolicy.Native, 0u, "window_frames is 4097, more than 4096")]
    [InlineData(0u, 1u, TilePolicy.Native, 0u, "window_frames needs tiles_per_frame")]
    [InlineData(1u, 0u, TilePolicy.Unspecified, 0u, "tiles_per_frame needs the tile policy AUTO or NATIVE")]
    [InlineData(1u, 0u, TilePolicy.Native, 5u, "leave budget_ms out")]
    public async Task Settings_that_make_no_sense_are_refused(uint perFrame, uint window, TilePolicy policy, uint budget, string expected)
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer);
        using var refused = server.Call();
        await refused.SendAsync(new AnalyzeRequest
        {
            Open = new OpenSession { Tiles = new TileSettings { Policy = policy, TilesPerFrame = perFrame, WindowFrames = window, BudgetMs = budget } },
        });

        var (_, failure) = await refused.FailureAsync();

        Assert.Equal(StatusCode.InvalidArgument, failure.StatusCode);
        Assert.Contains(expected, failure.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Some_tiles_of_each_frame_are_not_for_sessions_that_adapt_nor_for_single_pictures()
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer);
        using var refused = server.Call();
        await refused.SendAsync(new AnalyzeRequest
        {
            Open = new OpenSession { Tiles = new TileSettings { Policy = TilePolicy.Auto, TilesPerFrame = 4 }, Adaptation = new AdaptationSettings { Enabled = true } },
        });
        var (_, failure) = await refused.FailureAsync();
        Assert.Equal(StatusCode.InvalidArgument, failure.StatusCode);
        Assert.Contains("tiles_per_frame is not for sessions that adapt", failure.Status.Detail, StringComparison.Ordinal);

        using var session = await server.OpenAsync(new OpenSession { Tiles = new TileSettings { Policy = TilePolicy.Auto, TilesPerFrame = 4 } });
        await session.SendAsync(new Control { ControlId = 4, SetAdaptation = new SetAdaptation { Settings = new AdaptationSettings { Enabled = true } } });
        Assert.Contains("tiles_per_frame is not for sessions that adapt", (await session.NextReplyAsync()).Failed.Message, StringComparison.Ordinal);

        var single = await Assert.ThrowsAsync<RpcException>(() => AnalyzeAsync(server, new TileSettings { Policy = TilePolicy.Native, TilesPerFrame = 2 }));
        Assert.Equal(StatusCode.InvalidArgument, single.StatusCode);
        Assert.Contains("tiles_per_frame is for the frames of a session", single.Status.Detail, StringComparison.Ordinal);
    }

    /// <summary>Of one session after the other nothing stays, and while one lasts it holds no more than its tiles.</summary>
    [Fact]
    public async Task Hundreds_of_frames_hold_the_maps_of_one_round_and_the_end_gives_them_back()
    {
        const long Map = 224 * 224 * 2;
        await using var server = await RunningServer.StartAsync(nano.Analyzer);
        for (int time = 0; time < 2; time++)
        {
            using var session = await server.OpenAsync(Rotating(perFrame: 1));
            for (ulong id = 0; id < 150; id++)
            {
                await session.SendFrameAsync(id, static frame => frame.Raw = RawStrip());
                var tiles = (await session.NextOutcomeAsync()).Result.Tiles;
                Assert.Equal((Math.Min((uint)id + 1, 6), Math.Min((uint)id + 1, 6)), (tiles.Analysed, tiles.Window.Masked));
                Assert.InRange(server.Ledger.TileMaps.Held.Bytes, Map, 8 * Map);
            }

            await session.CompleteAsync();
            await session.RestAsync();
            Assert.Equal((0, 0), (server.Ledger.TileMaps.Held.Bytes, server.FrameBytes));
        }
    }

    private static OpenSession Rotating(uint perFrame) => new()
    {
        Tiles = new TileSettings { Policy = TilePolicy.Native, TilesPerFrame = perFrame },
        Mask = new MaskSettings { Policy = MaskPolicy.Always },
    };

    private static RawImage RawStrip()
    {
        using var picture = Cv2.ImDecode(Strip, ImreadModes.Color);
        return Bgr(picture);
    }

    /// <summary>As large, and nothing like it: dark on the left and bright on the right.</summary>
    private static RawImage Halves()
    {
        using var picture = new Mat(112, 900, MatType.CV_8UC3, Scalar.All(0));
        using var right = picture.ColRange(450, 900);
        right.SetTo(Scalar.All(255));
        return Bgr(picture);
    }

    private static RawImage Bgr(Mat picture)
    {
        var pixels = new byte[picture.Width * picture.Height * 3];
        System.Runtime.InteropServices.Marshal.Copy(picture.Data, pixels, 0, pixels.Length);
        return new RawImage
        {
            Format = new FrameFormat { PixelFormat = PixelFormat.Bgr24, Width = (uint)picture.Width, Height = (uint)picture.Height },
            Data = ByteString.CopyFrom(pixels),
        };
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
