using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.Packaging;
using LoupeGrpc.TestSupport;
using LoupeGrpc.UnitTests.Engine.Imaging;
using Microsoft.Extensions.Time.Testing;
using OpenCvSharp;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine;

/// <summary>Pictures in tiles on their way through the engine: which are, what comes of them among others, and how they leave before they are done.</summary>
public sealed class EngineTileTests(EngineFixture nano) : IClassFixture<EngineFixture>
{
    private static readonly AnalysisRequest InTiles = Frames.WithMask with { Tiles = new TileRequest(TilePolicy.Native) };

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static EncodedInput Raccoon => Frames.File(TestData.Golden("tiles", "raccoon-noise.png"));

    [Fact]
    public async Task A_picture_in_tiles_has_the_same_bytes_alone_and_among_others()
    {
        await using var engine = await EngineFixture.StartAsync(new EngineOptions { DecodeWorkers = 2, MaxFramesInPipeline = 6 });
        var alone = await engine.AnalyzedAsync(Raccoon, InTiles);
        var small = await engine.AnalyzedAsync(Frames.Sample("forged-cat-in-coffee.jpg"));

        var tiled = Enumerable.Range(0, 3).Select(_ => engine.AnalyzedAsync(Raccoon, InTiles)).ToList();
        var others = Enumerable.Range(0, 24).Select(_ => engine.AnalyzedAsync(Frames.Sample("forged-cat-in-coffee.jpg"))).ToList();

        Assert.All(await Task.WhenAll(others), other => Assert.Equal((small.Score, small.Tiles), (other.Score, other.Tiles)));
        Assert.All(await Task.WhenAll(tiled), answer =>
        {
            Assert.Equal((alone.Score, alone.Tiles, alone.Mask!.Area), (answer.Score, answer.Tiles, answer.Mask!.Area));
            Assert.Equal(alone.Mask.Data.ToArray(), answer.Mask.Data.ToArray());
            Assert.Equal(alone.Regions, answer.Regions);
            Assert.Equal(alone.Sha256.ToArray(), answer.Sha256.ToArray());
        });
        Assert.Equal(default, engine.Room.Held);
    }

    [Fact]
    public async Task A_picture_that_is_suspected_gets_the_mask_that_it_always_has()
    {
        var always = await nano.Engine.AnalyzedAsync(Raccoon, InTiles);

        var suspected = await nano.Engine.AnalyzedAsync(Raccoon, InTiles with { MaskPolicy = MaskPolicy.WhenSuspected });
        var trusted = await nano.Engine.AnalyzedAsync(
            Raccoon, InTiles with { MaskPolicy = MaskPolicy.WhenSuspected, Thresholds = new VerdictThresholds(0.99f, 1) });
        var spared = await nano.Engine.AnalyzedAsync(Raccoon, InTiles with { Economies = Economies.NoMask });

        Assert.Equal((Verdict.Manipulated, always.Score), (suspected.Verdict, suspected.Score));
        Assert.Equal(always.Mask!.Data.ToArray(), suspected.Mask!.Data.ToArray());
        Assert.Equal(always.Regions, suspected.Regions);
        Assert.Equal((Verdict.Authentic, always.Score, null, MaskOmission.Policy), (trusted.Verdict, trusted.Score, trusted.Mask, trusted.MaskOmission));
        Assert.Equal(TimeSpan.Zero, trusted.Timings.Segment);
        Assert.Equal(always.Tiles, trusted.Tiles);
        Assert.Equal((null, Economies.NoMask), (spared.Mask, spared.Economies));
        Assert.Equal(TimeSpan.Zero, spared.Timings.Segment);
    }

    [Fact]
    public async Task Automatic_tiles_are_for_large_files_of_a_model_that_was_trained_so()
    {
        var auto = Frames.WithMask with { Tiles = new TileRequest(TilePolicy.Auto) };
        var session = nano.Engine.CreateAdaptation(new AdaptationSettings());
        string copy = TestPackages.Copy(TestPackages.Nano);
        await File.WriteAllBytesAsync(Path.Combine(copy, PackageLayout.Manifest), (TestPackages.Nano.Manifest with { Tiles = null }).ToBytes(), Token);
        await using var resized = await EngineFixture.StartAsync(package: ModelPackage.Open(copy, PackageCheck.Hashes));

        Assert.Equal(30, (await nano.Engine.AnalyzedAsync(Raccoon, auto)).Tiles?.Of);
        Assert.Null((await nano.Engine.AnalyzedAsync(Raccoon)).Tiles);
        Assert.Null((await nano.Engine.AnalyzedAsync(Raccoon, auto with { Adaptation = session })).Tiles);
        Assert.Null((await nano.Engine.AnalyzedAsync(Plain(560, 100), auto)).Tiles);
        Assert.NotNull((await nano.Engine.AnalyzedAsync(Plain(561, 100), auto)).Tiles);
        Assert.Null((await nano.Engine.AnalyzedAsync(Frames.Noise(700, 100), auto)).Tiles);
        Assert.Null((await resized.AnalyzedAsync(Raccoon, auto)).Tiles);
        Assert.NotNull((await resized.AnalyzedAsync(Raccoon, InTiles)).Tiles);
    }

    [Fact]
    public async Task What_cannot_be_looked_at_in_tiles_is_refused()
    {
        var session = nano.Engine.CreateAdaptation(new AdaptationSettings());

        Assert.Equal(FailureKind.Unsupported, (await nano.Engine.FailedAsync(Frames.Noise(700, 100), InTiles)).Kind);
        Assert.Equal(FailureKind.Invalid, (await nano.Engine.FailedAsync(Raccoon, InTiles with { Adaptation = session })).Kind);
        Assert.Equal(FailureKind.Invalid, (await nano.Engine.FailedAsync(Raccoon, InTiles with { Tiles = new TileRequest(TilePolicy.Native, 0) })).Kind);
        Assert.Equal(FailureKind.Invalid, (await nano.Engine.FailedAsync(Raccoon, InTiles with { Tiles = new TileRequest(TilePolicy.Native, 4097) })).Kind);
        Assert.Equal(FailureKind.Invalid, (await nano.Engine.FailedAsync(Raccoon, InTiles with { Tiles = new TileRequest((TilePolicy)9) })).Kind);
    }

    [Fact]
    public async Task A_damaged_picture_in_tiles_is_uncertain()
    {
        byte[] jpeg = Faults.Read("jpeg-hole-1k.jpg");

        var answer = await nano.Engine.AnalyzedAsync(new EncodedInput(jpeg), InTiles with { MaskPolicy = MaskPolicy.WhenSuspected });

        Assert.Equal(Verdict.Uncertain, answer.Verdict);
        Assert.Contains(answer.Notes, static note => note.Kind == ImageNoteKind.Damaged);
        Assert.NotNull(answer.Mask);
        Assert.NotNull(answer.Tiles);
    }

    [Fact]
    public async Task Time_that_tiles_may_take_bounds_how_many_there_are()
    {
        await using var engine = await EngineFixture.StartAsync();
        var hurried = InTiles with { Tiles = new TileRequest(TilePolicy.Native) { Budget = TimeSpan.FromTicks(1) } };

        // Of the first nothing is known yet.
        Assert.Equal(30, (await engine.AnalyzedAsync(Raccoon, hurried)).Tiles?.Analysed);
        var (first, second) = ((await engine.AnalyzedAsync(Raccoon, hurried)).Tiles!, (await engine.AnalyzedAsync(Raccoon, InTiles)).Tiles!);
        Assert.Equal((1, 20, true), (first.Analysed, first.Of, first.WholePictureRun));
        Assert.Equal(30, second.Analysed);
    }

    [Fact]
    public async Task A_caller_that_leaves_between_two_tiles_is_answered_at_once_and_all_room_comes_back()
    {
        using var meters = new MeasuredEngine();
        await using var engine = await EngineFixture.StartAsync(meters: meters);
        using var cancellation = new CancellationTokenSource();
        var answer = engine.AnalyzeAsync(Plain(2240, 2240), InTiles, cancellation.Token).AsTask();
        await UntilAsync(() => meters.Of("loupe.run.duration").Count >= 3);

        await cancellation.CancelAsync();

        Assert.Equal(FailureKind.Canceled, (await answer.WaitAsync(Patience, Token)).Failure?.Kind);
        await UntilAsync(() => engine.Room.Held == default);
        int runs = meters.Of("loupe.run.duration").Count;
        Assert.InRange(runs, 3, 100);
        await engine.AnalyzedAsync(Frames.Noise(8, 8));
    }

    [Fact]
    public async Task A_deadline_that_passes_between_two_tiles_is_told_at_once()
    {
        var time = new FakeTimeProvider();
        using var meters = new MeasuredEngine();
        await using var engine = await EngineFixture.StartAsync(time: time, meters: meters);
        var answer = engine.AnalyzeAsync(Plain(2240, 2240), InTiles with { MaxAge = TimeSpan.FromSeconds(1) }, Token).AsTask();
        await UntilAsync(() => meters.Of("loupe.run.duration").Count >= 3);

        time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(FailureKind.Expired, (await answer.WaitAsync(Patience, Token)).Failure?.Kind);
        await UntilAsync(() => engine.Room.Held == default);
    }

    [Fact]
    public async Task An_engine_that_stops_finishes_pictures_in_tiles()
    {
        var engine = await EngineFixture.StartAsync();
        var answer = engine.AnalyzeAsync(Raccoon, InTiles, Token).AsTask();
        await UntilAsync(() => engine.Room.Held.Frames == 1);

        await engine.DisposeAsync().AsTask().WaitAsync(Patience, Token);

        Assert.True((await answer).Succeeded);
    }

    [Fact]
    public async Task An_engine_that_is_aborted_ends_pictures_in_tiles()
    {
        using var meters = new MeasuredEngine();
        var engine = await EngineFixture.StartAsync(meters: meters);
        var answer = engine.AnalyzeAsync(Plain(2240, 2240), InTiles, Token).AsTask();
        await UntilAsync(() => meters.Of("loupe.run.duration").Count >= 3);

        engine.Abort();

        Assert.Equal(FailureKind.Canceled, (await answer.WaitAsync(Patience, Token)).Failure?.Kind);
        await engine.DisposeAsync().AsTask().WaitAsync(Patience, Token);
    }

    [Fact]
    public async Task A_run_that_hangs_is_no_longer_waited_for()
    {
        var time = new FakeTimeProvider();
        var (device, engine) = await StandInDevice.StartHangingAsync(new EngineOptions { DecodeWorkers = 2, MaxFramesInPipeline = 4 }, time);
        using (device)
        {
            var answer = engine.AnalyzeAsync(Plain(700, 500), InTiles, Token).AsTask();
            await device.Reached(Token);

            time.Advance(TimeSpan.FromSeconds(15));
            time.Advance(TimeSpan.FromSeconds(15));

            Assert.Equal(FailureKind.ModelFault, (await answer.WaitAsync(Patience, Token)).Failure?.Kind);
            await engine.DisposeAsync().AsTask().WaitAsync(Patience, Token);
        }
    }

    private static EncodedInput Plain(int width, int height)
    {
        using var picture = new Mat(height, width, MatType.CV_8UC3, new Scalar(90, 140, 60));
        return new EncodedInput(PictureFiles.Encode(".png", picture));
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Token);
        limit.CancelAfter(Patience);
        while (!condition())
        {
            await Task.Delay(5, limit.Token);
        }
    }
}
