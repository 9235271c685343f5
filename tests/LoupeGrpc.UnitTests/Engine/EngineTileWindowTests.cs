using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.Engine.Queueing;
using LoupeGrpc.Engine.Tiling;
using LoupeGrpc.TestSupport;
using LoupeGrpc.UnitTests.Engine.Imaging;
using LoupeGrpc.UnitTests.Engine.Tiling;
using LoupeGrpc.UnitTests.Native;
using OpenCvSharp;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine;

/// <summary>Sessions of which each frame shows some tiles: what each frame is judged by, against the reference's logits, and what is remembered, and forgotten.</summary>
public sealed class EngineTileWindowTests(EngineFixture nano) : IClassFixture<EngineFixture>
{
    private const double ScoreTolerance = 1e-4;

    /// <summary>In half precision of what it is beyond the tolerance of the map itself.</summary>
    private const double SoftTolerance = 2e-3;

    private const int Tiles = 30;

    private static readonly byte[] Raccoon = File.ReadAllBytes(TestData.Golden("tiles", "raccoon-noise.png"));

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>The score of frame f is sigmoid(log(mean(exp z))) over the tiles that frames f - window + 1 … f have shown.</summary>
    [Theory]
    [InlineData(7, 0)]
    [InlineData(7, 1)]
    [InlineData(7, 3)]
    [InlineData(7, 4096)]
    [InlineData(1, 4)]
    [InlineData(30, 0)]
    [InlineData(4096, 2)]
    public async Task A_frame_is_judged_by_the_tiles_that_the_last_ones_have_shown(int perFrame, int window)
    {
        double[] logits = [.. TileGridTests.Expected().GetProperty("raccoon-noise").GetProperty("logits").EnumerateArray().Select(static logit => logit.GetDouble())];
        var rotation = new TileRotation(TileGrid.Of(1024, 768, 224, 256), perFrame);
        using var session = new TestWindow(perFrame, window);
        int size = window == 0 ? rotation.Round : Math.Min(window, rotation.Round);

        for (int frame = 0; frame < Math.Min(2 * rotation.Round, 12); frame++)
        {
            var answer = await session.AskAsync(nano.Engine, MaskPolicy.Never);

            int first = Math.Max(0, frame - size + 1);
            int[] shown = [.. Enumerable.Range(first, frame - first + 1).SelectMany(one => rotation.Of(one)).Distinct()];
            double pooled = Math.Log(shown.Average(tile => Math.Exp(logits[tile])));
            var tiles = answer.Tiles!;
            Assert.Equal(1 / (1 + Math.Exp(-pooled)), answer.Score, ScoreTolerance);
            Assert.Equal((shown.Length, Tiles, 160, false), (tiles.Analysed, tiles.Of, tiles.Step, tiles.WholePictureRun));
            int peak = shown.MaxBy(tile => logits[tile]);
            int age = Enumerable.Range(0, size).First(ago => rotation.Of(frame - ago).Contains(peak));
            Assert.Equal(new TileWindowReport(frame - first + 1, size, rotation.Of(frame).Length, 0, age), tiles.Window);
            Assert.Equal(1 / (1 + Math.Exp(-logits[peak])), tiles.Peak.Score, ScoreTolerance);
        }
    }

    [Fact]
    public async Task A_round_of_one_picture_has_the_mask_of_the_picture_in_all_its_tiles()
    {
        var expected = TileGridTests.Expected().GetProperty("raccoon-noise");
        using var session = new TestWindow(perFrame: 7);

        for (int frame = 0; frame < 4; frame++)
        {
            var part = await session.AskAsync(nano.Engine);
            Assert.Equal((part.Tiles!.Analysed, frame + 1), (part.Tiles.Window!.Masked, part.Tiles.Window.Frames));
        }

        var answer = await session.AskAsync(nano.Engine);
        Assert.Equal((Tiles, Tiles, 5), (answer.Tiles!.Analysed, answer.Tiles.Window!.Masked, answer.Tiles.Window.Frames));
        Assert.All(expected.GetProperty("soft_samples").EnumerateArray(), sample =>
            Assert.Equal(sample[2].GetDouble(), answer.SoftMask.Span[(sample[0].GetInt32() * 1024) + sample[1].GetInt32()], SoftTolerance));
        string? difference = GoldenMask.Compare(expected.GetProperty("mask").GetString()!, answer.Mask!.Data.Span, 1024, 768);
        Assert.True(difference is null, difference);
    }

    [Fact]
    public async Task All_tiles_of_each_frame_are_the_picture_itself_to_the_last_bit()
    {
        var still = await nano.Engine.AnalyzedAsync(new EncodedInput(Raccoon), Frames.WithMask with { SoftMask = true, Tiles = new TileRequest(TilePolicy.Native) });
        using var session = new TestWindow(perFrame: Tiles);

        for (int frame = 0; frame < 2; frame++)
        {
            var answer = await session.AskAsync(nano.Engine);
            AssertSame(still, answer);
            Assert.Equal(new TileWindowReport(1, 1, Tiles, Tiles, 0), answer.Tiles!.Window);
        }
    }

    [Fact]
    public async Task Raw_frames_are_looked_at_as_the_file_of_the_same_pixels_is()
    {
        using var picture = Cv2.ImDecode(Raccoon, ImreadModes.Color);
        var raw = Frames.Bgr(Pictures.BytesOf(picture), 1024, 768);
        using var files = new TestWindow(perFrame: 16);
        using var frames = new TestWindow(perFrame: 16);
        using var automatic = new TestWindow(perFrame: 16, policy: TilePolicy.Auto);

        for (int frame = 0; frame < 3; frame++)
        {
            var file = await files.AskAsync(nano.Engine);
            AssertSame(file, await frames.AskAsync(nano.Engine, raw));
            AssertSame(file, await automatic.AskAsync(nano.Engine, raw));
        }

        Assert.Null((await automatic.AskAsync(nano.Engine, Frames.Noise(560, 100))).Tiles);
    }

    [Fact]
    public async Task A_session_has_the_same_bytes_alone_and_among_others_and_in_the_order_of_its_frames()
    {
        await using var engine = await EngineFixture.StartAsync(new EngineOptions { DecodeWorkers = 2, MaxFramesInPipeline = 8 });
        using var quiet = new TestWindow(perFrame: 7);
        var alone = new List<FrameAnalysis>();
        for (int frame = 0; frame < 7; frame++)
        {
            alone.Add(await quiet.AskAsync(engine));
        }

        using var one = new TestWindow(perFrame: 7);
        using var other = new TestWindow(perFrame: 7);
        var first = Enumerable.Range(0, 7).Select(_ => one.AskAsync(engine)).ToList();
        var second = Enumerable.Range(0, 7).Select(_ => other.AskAsync(engine)).ToList();
        var whole = Enumerable.Range(0, 12).Select(_ => engine.AnalyzedAsync(Frames.Sample("forged-cat-in-coffee.jpg"))).ToList();

        foreach (var answers in (FrameAnalysis[][])[await Task.WhenAll(first), await Task.WhenAll(second)])
        {
            for (int frame = 0; frame < alone.Count; frame++)
            {
                AssertSame(alone[frame], answers[frame]);
            }
        }

        await Task.WhenAll(whole);
        Assert.Equal(default, engine.Room.Held);
    }

    [Fact]
    public async Task A_frame_of_another_size_one_that_is_whole_and_another_scene_begin_anew()
    {
        var scenes = new ScriptedScenes();
        using var session = new TestWindow(perFrame: 1, scenes: scenes);
        var (wide, narrow) = (Plain(900, 112), Plain(112, 900));
        Assert.Equal("1, 2, 3", await FramesOfAsync(wide, wide, wide));
        Assert.Equal("1, 2", await FramesOfAsync(narrow, narrow));
        Assert.Equal("1, 2", await FramesOfAsync(wide, wide));
        scenes.NextIsCut = true;
        Assert.Equal("1, 2", await FramesOfAsync(wide, wide));

        // The same tiles in the same order each time.
        using var automatic = new TestWindow(perFrame: 1, policy: TilePolicy.Auto);
        Assert.Equal(1, (await automatic.AskAsync(nano.Engine, wide)).Tiles!.Window!.Frames);
        Assert.Equal(2, (await automatic.AskAsync(nano.Engine, wide)).Tiles!.Window!.Frames);
        Assert.Null((await automatic.AskAsync(nano.Engine, Plain(100, 100))).Tiles);
        Assert.Equal(1, (await automatic.AskAsync(nano.Engine, wide)).Tiles!.Window!.Frames);

        async Task<string> FramesOfAsync(params EncodedInput[] inputs)
        {
            List<int> frames = [];
            foreach (var input in inputs)
            {
                frames.Add((await session.AskAsync(nano.Engine, input)).Tiles!.Window!.Frames);
            }

            return string.Join(", ", frames);
        }
    }

    [Fact]
    public async Task A_frame_without_a_result_and_one_that_is_damaged_change_nothing()
    {
        var scenes = new ScriptedScenes();
        using var clean = new TestWindow(perFrame: 7);
        using var session = new TestWindow(perFrame: 7, scenes: scenes);
        AssertSame(await clean.AskAsync(nano.Engine), await session.AskAsync(nano.Engine));
        int held = session.Maps.Held.Bytes > 0 ? 1 : 0;
        Assert.Equal(1, held);
        long before = session.Maps.Held.Bytes;

        var damaged = await session.AskAsync(nano.Engine, new EncodedInput(Faults.Read("jpeg-hole-1k.jpg")));
        Assert.True(damaged.VerdictIsOpen);
        var broken = await nano.Engine.AnalyzeAsync(new EncodedInput(Raccoon.AsMemory(0, 200)), session.Request(), Token);
        Assert.False(broken.Succeeded);
        using var cancellation = new CancellationTokenSource();
        await cancellation.CancelAsync();
        Assert.Equal(FailureKind.Canceled, (await nano.Engine.AnalyzeAsync(new EncodedInput(Raccoon), session.Request(), cancellation.Token)).Failure!.Kind);

        // Of the damaged one alone a scene was looked for.
        Assert.Equal(1, scenes.TakenBack);
        AssertSame(await clean.AskAsync(nano.Engine), await session.AskAsync(nano.Engine));
        Assert.InRange(session.Maps.Held.Bytes, before, 2 * before);
    }

    [Fact]
    public async Task Where_there_is_no_room_for_maps_masks_are_of_the_frames_own_tiles_and_scores_are_the_same()
    {
        const long Map = 224 * 224 * 2;
        using var rich = new TestWindow(perFrame: 10);
        using var poor = new TestWindow(perFrame: 10, room: 3 * Map);

        for (int frame = 0; frame < 4; frame++)
        {
            var (all, some) = (await rich.AskAsync(nano.Engine), await poor.AskAsync(nano.Engine));
            Assert.Equal((all.Score, all.Tiles!.Analysed), (some.Score, some.Tiles!.Analysed));
            Assert.Equal(frame == 0 ? 10 : frame == 1 ? 20 : 30, all.Tiles.Window!.Masked);
            Assert.InRange(some.Tiles.Window!.Masked, 10, 13);
            Assert.InRange(poor.Maps.Held.Bytes, 0, 3 * Map);
        }

        // As many as the window has, and one frame's to put in their place.
        Assert.InRange(rich.Maps.Held.Bytes, 20 * Map, 40 * Map);
        rich.Window.Dispose();
        poor.Window.Dispose();
        Assert.Equal((0, 0), (rich.Maps.Held.Bytes, poor.Maps.Held.Bytes));
    }

    [Fact]
    public async Task A_mask_that_is_made_when_suspected_is_of_the_tiles_that_were()
    {
        using var session = new TestWindow(perFrame: 7);
        var trusting = new VerdictThresholds(0.99f, 1);

        var trusted = await session.AskAsync(nano.Engine, new EncodedInput(Raccoon), session.Request(MaskPolicy.WhenSuspected) with { Thresholds = trusting });
        Assert.Equal((Verdict.Authentic, 0), (trusted.Verdict, trusted.Tiles!.Window!.Masked));
        Assert.Equal(0, session.Maps.Held.Bytes);
        var suspected = await session.AskAsync(nano.Engine, MaskPolicy.WhenSuspected);
        Assert.Equal((Verdict.Manipulated, suspected.Tiles!.Window!.Fresh), (suspected.Verdict, suspected.Tiles.Window.Masked));
        Assert.True(suspected.Tiles.Analysed > suspected.Tiles.Window.Masked);
        var again = await session.AskAsync(nano.Engine, MaskPolicy.WhenSuspected);
        Assert.Equal(suspected.Tiles.Window.Fresh + again.Tiles!.Window!.Fresh, again.Tiles.Window.Masked);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(224, 224)]
    [InlineData(2000, 1)]
    [InlineData(130, 90)]
    public async Task The_smallest_frames_and_the_longest_go_through(int width, int height)
    {
        using var session = new TestWindow(perFrame: 3, window: 2);
        for (int frame = 0; frame < 5; frame++)
        {
            var answer = await session.AskAsync(nano.Engine, Frames.Noise(width, height));
            Assert.Equal((width, height), (answer.Width, answer.Height));
            Assert.InRange(answer.Tiles!.Window!.Frames, 1, 2);
        }
    }

    [Fact]
    public async Task What_makes_no_sense_is_refused()
    {
        using var session = new TestWindow(perFrame: 3);
        var good = session.Request();
        AnalysisRequest[] bad =
        [
            good with { Tiles = good.Tiles with { PerFrame = 4097 } },
            good with { Tiles = good.Tiles with { PerFrame = -1 } },
            good with { Tiles = good.Tiles with { Window = 4097 } },
            good with { Tiles = good.Tiles with { PerFrame = 0, Window = 1 } },
            good with { Tiles = good.Tiles with { Budget = TimeSpan.FromSeconds(1) } },
            good with { Tiles = new TileRequest(TilePolicy.Off) { PerFrame = 3 } },
            good with { TileWindow = null },
            good with { Adaptation = nano.Engine.CreateAdaptation(new AdaptationSettings()) },
        ];

        foreach (var request in bad)
        {
            Assert.Equal(FailureKind.Invalid, (await nano.Engine.FailedAsync(new EncodedInput(Raccoon), request)).Kind);
        }

        Assert.Equal(1, (await session.AskAsync(nano.Engine)).Tiles!.Window!.Frames);
    }

    private static void AssertSame(FrameAnalysis expected, FrameAnalysis actual)
    {
        Assert.Equal((expected.Score, expected.Logit, expected.Verdict), (actual.Score, actual.Logit, actual.Verdict));
        Assert.Equal(expected.Tiles! with { Window = null }, actual.Tiles! with { Window = null });
        if (expected.Tiles.Window is { } window)
        {
            Assert.Equal(window, actual.Tiles!.Window);
        }

        Assert.Equal(expected.Mask!.Data.ToArray(), actual.Mask!.Data.ToArray());
        Assert.Equal(expected.SoftMask.ToArray(), actual.SoftMask.ToArray());
        Assert.Equal(expected.Regions, actual.Regions);
    }

    private static EncodedInput Plain(int width, int height)
    {
        using var picture = new Mat(height, width, MatType.CV_8UC3, new Scalar(90, 140, 60));
        return new EncodedInput(PictureFiles.Encode(".png", picture));
    }

    /// <summary>A session's window, and what it asks.</summary>
    private sealed class TestWindow(int perFrame, int window = 0, long room = 1L << 30, ISceneCuts? scenes = null, TilePolicy policy = TilePolicy.Native) : IDisposable
    {
        public Room Maps { get; } = new(RoomSize.OfBytes(room));

        public TileWindow Window => field ??= new TileWindow(Maps, scenes);

        public AnalysisRequest Request(MaskPolicy mask = MaskPolicy.Always) => new()
        {
            MaskPolicy = mask,
            SoftMask = true,
            ColorLayout = true,
            Tiles = new TileRequest(policy) { PerFrame = perFrame, Window = window },
            TileWindow = Window,
        };

        public Task<FrameAnalysis> AskAsync(LoupeEngine engine, MaskPolicy mask = MaskPolicy.Always) => AskAsync(engine, new EncodedInput(Raccoon), Request(mask));

        public Task<FrameAnalysis> AskAsync(LoupeEngine engine, FrameInput input, AnalysisRequest? request = null) => engine.AnalyzedAsync(input, request ?? Request());

        public void Dispose() => Window.Dispose();
    }

    private sealed class ScriptedScenes : ISceneCuts
    {
        public bool NextIsCut { get; set; }

        public int TakenBack { get; private set; }

        public bool Add(ReadOnlySpan<byte> layout)
        {
            Assert.Equal(192, layout.Length);
            (bool isCut, NextIsCut) = (NextIsCut, false);
            return isCut;
        }

        public void TakeBack() => TakenBack++;
    }
}
