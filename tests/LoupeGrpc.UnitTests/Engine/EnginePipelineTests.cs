using LoupeGrpc.Engine;
using LoupeGrpc.TestSupport;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine;

/// <summary>What happens to a frame that is not alone, is not wanted any more, or comes when the engine goes.</summary>
public sealed class EnginePipelineTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Many_frames_at_once_are_answered_as_each_alone()
    {
        await using var engine = await EngineFixture.StartAsync(new EngineOptions { DecodeWorkers = 3, ConcurrentRuns = 2, MaxFramesInPipeline = 8 });
        FrameInput[] inputs =
        [
            Frames.Sample("forged-cat-in-coffee.jpg"), Frames.Sample("authentic-chelsea.png"), Frames.Noise(640, 360, seed: 1),
            Frames.Sample("forged-raccoon-regenerated.jpg"), Frames.Noise(31, 700, seed: 2), Frames.Sample("forged-stars-noise.png"),
        ];
        var alone = new List<FrameAnalysis>();
        foreach (var input in inputs)
        {
            alone.Add(await engine.AnalyzedAsync(input));
        }

        var together = await Task.WhenAll(Enumerable.Range(0, 48).Select(index => Task.Run(
            async () => (Index: index % inputs.Length, Analysis: await engine.AnalyzedAsync(inputs[index % inputs.Length])), Token)));

        foreach (var (index, analysis) in together)
        {
            Assert.Equal(alone[index].Score, analysis.Score);
            Assert.Equal(alone[index].Mask!.Data.ToArray(), analysis.Mask!.Data.ToArray());
            Assert.Equal(alone[index].Regions, analysis.Regions);
            Assert.Equal(alone[index].Sha256.ToArray(), analysis.Sha256.ToArray());
        }
    }

    [Fact]
    public async Task A_broken_frame_touches_no_other()
    {
        await using var engine = await EngineFixture.StartAsync(new EngineOptions { MaxFramesInPipeline = 4 });
        byte[] picture = await File.ReadAllBytesAsync(TestData.Sample("forged-cat-in-coffee.jpg"), Token);
        var good = new EncodedInput(picture);
        var bad = new EncodedInput(picture.AsMemory(0, picture.Length / 2));
        var expected = await engine.AnalyzedAsync(good);

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 20).Select(
            index => engine.AnalyzeAsync(index % 2 == 0 ? good : bad, Frames.WithMask, Token).AsTask()));

        for (int i = 0; i < outcomes.Length; i++)
        {
            Assert.Equal(i % 2 == 0, outcomes[i].Succeeded);
            Assert.Equal(i % 2 == 0 ? expected.Score : null, outcomes[i].Analysis?.Score);
        }
    }

    [Fact]
    public async Task An_exception_in_a_stage_is_that_frames_failure_alone()
    {
        await using var engine = await EngineFixture.StartAsync();
        var noise = Frames.Noise(8, 8);
        var explosive = noise with { Data = new HookedMemory(noise.Data.ToArray(), static () => throw new InvalidOperationException("bang")).Bytes };

        var failure = await engine.FailedAsync(explosive);

        Assert.Equal(FailureKind.Internal, failure.Kind);
        Assert.DoesNotContain("bang", failure.Message, StringComparison.Ordinal);
        await engine.AnalyzedAsync(noise);
    }

    [Fact]
    public async Task A_caller_that_cancels_while_its_bytes_are_read_is_answered_when_that_is_over()
    {
        await using var engine = await EngineFixture.StartAsync();
        using var held = new HeldFrame();
        using var cancellation = new CancellationTokenSource();
        var answer = engine.AnalyzeAsync(held.Input, Frames.WithMask, cancellation.Token).AsTask();
        await held.Reached;

        await cancellation.CancelAsync();
        Assert.False(answer.IsCompleted);

        held.Release();
        Assert.Equal(FailureKind.Canceled, (await answer).Failure?.Kind);
    }

    [Fact]
    public async Task A_caller_that_cancels_while_it_waits_is_answered_at_once()
    {
        await using var engine = await EngineFixture.StartAsync(new EngineOptions { DecodeWorkers = 1, MaxFramesInPipeline = 2 });
        using var held = new HeldFrame();
        using var cancellation = new CancellationTokenSource();
        var first = engine.AnalyzeAsync(held.Input, Frames.WithMask, Token).AsTask();
        await held.Reached;
        var beforeDecode = engine.AnalyzeAsync(Frames.Noise(8, 8), Frames.WithMask, cancellation.Token).AsTask();
        var beforeTheGate = engine.AnalyzeAsync(Frames.Noise(8, 8), Frames.WithMask, cancellation.Token).AsTask();

        await cancellation.CancelAsync();
        Assert.Equal(FailureKind.Canceled, (await beforeDecode).Failure?.Kind);
        Assert.Equal(FailureKind.Canceled, (await beforeTheGate).Failure?.Kind);

        held.Release();
        Assert.True((await first).Succeeded);
        await engine.AnalyzedAsync(Frames.Noise(8, 8));
    }

    [Fact]
    public async Task A_token_that_is_cancelled_already_is_answered_without_work()
    {
        await using var engine = await EngineFixture.StartAsync();

        var outcome = await engine.AnalyzeAsync(Frames.Noise(8, 8), Frames.WithMask, new CancellationToken(canceled: true));

        Assert.Equal(FailureKind.Canceled, outcome.Failure?.Kind);
    }

    [Fact]
    public async Task More_callers_than_may_wait_are_told_so()
    {
        await using var engine = await EngineFixture.StartAsync(new EngineOptions { DecodeWorkers = 1, MaxFramesInPipeline = 1, MaxFramesWaiting = 1 });
        using var held = new HeldFrame();
        var first = engine.AnalyzeAsync(held.Input, Frames.WithMask, Token).AsTask();
        await held.Reached;
        var waiting = engine.AnalyzeAsync(Frames.Noise(8, 8), Frames.WithMask, Token).AsTask();

        var failure = await engine.FailedAsync(Frames.Noise(8, 8));

        Assert.Equal(FailureKind.Overloaded, failure.Kind);
        Assert.Contains("Loupe:Engine:MaxFramesWaiting", failure.Message, StringComparison.Ordinal);
        held.Release();
        Assert.True((await first).Succeeded);
        Assert.True((await waiting).Succeeded);
    }

    [Fact]
    public async Task A_frame_past_its_deadline_expires_before_it_is_decoded()
    {
        var time = new FakeTimeProvider();
        await using var engine = await EngineFixture.StartAsync(time: time);
        bool read = false;
        var noise = Frames.Noise(8, 8);
        var input = noise with { Data = new HookedMemory(noise.Data.ToArray(), () => read = true).Bytes };
        long received = time.GetTimestamp();
        time.Advance(TimeSpan.FromMilliseconds(50));

        var failure = await engine.FailedAsync(input, Frames.WithMask with { ReceivedAt = received, MaxAge = TimeSpan.FromMilliseconds(40) });

        Assert.Equal(new FrameFailure(FailureKind.Expired, "The frame's deadline of 40 ms passed: it is 50 ms old."), failure);
        Assert.False(read);

        // What it waited for its turn is told as waiting.
        var timings = (await engine.AnalyzedAsync(noise, Frames.WithMask with { ReceivedAt = received, MaxAge = TimeSpan.FromMilliseconds(51) })).Timings;
        Assert.Equal((TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(50)), (timings.Queue, timings.Total));
    }

    [Fact]
    public async Task A_deadline_is_checked_before_each_stage_and_frees_what_the_frame_had()
    {
        // The longer the deadline, the later the stage that finds it passed.
        var time = new TickingClock();
        await using var engine = await EngineFixture.StartAsync(new EngineOptions { MaxFramesInPipeline = 1, DecodeWorkers = 1 }, time: time);
        var ages = new HashSet<string>();
        int deadline = 1;
        for (; deadline < 100; deadline++)
        {
            var outcome = await engine.AnalyzeAsync(
                Frames.Noise(8, 8), Frames.WithMask with { MaxAge = TimeSpan.FromMilliseconds(deadline) }, Token);
            if (outcome.Succeeded)
            {
                break;
            }

            Assert.Equal(FailureKind.Expired, outcome.Failure.Kind);
            ages.Add(outcome.Failure.Message.Split(" it is ")[1]);
        }

        Assert.InRange(deadline, 5, 99);
        Assert.Equal(4, ages.Count);
    }

    [Fact]
    public async Task Disposal_answers_what_is_inside_and_refuses_what_waits_and_comes()
    {
        var engine = await EngineFixture.StartAsync(new EngineOptions { DecodeWorkers = 1, MaxFramesInPipeline = 2 });
        using var held = new HeldFrame();
        var first = engine.AnalyzeAsync(held.Input, Frames.WithMask, Token).AsTask();
        await held.Reached;
        var inside = engine.AnalyzeAsync(Frames.Noise(8, 8), Frames.WithMask, Token).AsTask();
        var waiting = engine.AnalyzeAsync(Frames.Noise(8, 8), Frames.WithMask, Token).AsTask();

        var disposal = engine.DisposeAsync().AsTask();
        Assert.Equal(FailureKind.Canceled, (await waiting).Failure?.Kind);
        var late = await engine.AnalyzeAsync(Frames.Noise(8, 8), Frames.WithMask, Token);
        Assert.Equal(new FrameFailure(FailureKind.Canceled, "The engine is stopping."), late.Failure);
        Assert.False(disposal.IsCompleted);

        held.Release();
        Assert.True((await first).Succeeded);
        Assert.True((await inside).Succeeded);
        await disposal;
        await engine.DisposeAsync();
        engine.Abort();
    }

    [Fact]
    public async Task Abort_answers_everything_with_canceled()
    {
        var engine = await EngineFixture.StartAsync(new EngineOptions { DecodeWorkers = 1 });
        using var held = new HeldFrame();
        var first = engine.AnalyzeAsync(held.Input, Frames.WithMask, Token).AsTask();
        await held.Reached;
        var behind = engine.AnalyzeAsync(Frames.Noise(8, 8), Frames.WithMask, Token).AsTask();

        engine.Abort();
        held.Release();

        Assert.Equal(FailureKind.Canceled, (await first).Failure?.Kind);
        Assert.Equal(FailureKind.Canceled, (await behind).Failure?.Kind);
        Assert.Equal(FailureKind.Canceled, (await engine.FailedAsync(Frames.Noise(8, 8))).Kind);
        await engine.DisposeAsync();
    }
}
