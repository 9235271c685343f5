using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.TestSupport;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine;

/// <summary>Frames that share runs with others, on the CPU and on the stand-in for a device. <see cref="QuickClock"/> sees to it that they do.</summary>
public sealed class EngineBatchTests(EngineFixture oneByOne) : IClassFixture<EngineFixture>
{
    private const float Tolerance = 1e-5f;

    private static readonly EngineOptions Crowd = new() { DecodeWorkers = 2, MaxFramesInPipeline = 64 };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static ExecutionTarget Buckets(params int[] buckets) => ExecutionTarget.Cpu with { Buckets = buckets };

    private static ExecutionTarget Device(params int[] buckets) =>
        new() { Kind = ProviderKind.Plugin, Provider = "StandIn", Library = StandIn.Library, Buckets = buckets };

    [Theory]
    [InlineData(false, 1, 2)]
    [InlineData(false, 1, 4)]
    [InlineData(false, 1, 3, 8)]
    [InlineData(true, 1, 2, 4, 8)]
    public async Task A_frame_is_answered_among_others_as_alone(bool onDevice, params int[] buckets)
    {
        using var measured = new MeasuredEngine();
        var alone = oneByOne.Engine;
        await using var engine = await EngineFixture.StartAsync(Crowd, time: new QuickClock(), target: onDevice ? Device(buckets) : Buckets(buckets), meters: measured);
        FrameInput[] inputs =
        [
            Frames.Sample("forged-cat-in-coffee.jpg"), Frames.Sample("authentic-chelsea.png"), Frames.Noise(640, 360, seed: 1),
            Frames.Sample("forged-raccoon-regenerated.jpg"), Frames.Noise(31, 70, seed: 2), Frames.Sample("forged-stars-noise.png"),
        ];
        AnalysisRequest[] requests =
        [
            Frames.WithMask, new() { MaskPolicy = MaskPolicy.Never }, new() { MaskPolicy = MaskPolicy.WhenSuspected }, Frames.WithMask with { Deterministic = true },
        ];
        var expectations = new Dictionary<(FrameInput, AnalysisRequest), FrameAnalysis>();
        var cases = Enumerable.Range(0, 48).Select(index => (Input: inputs[index % inputs.Length], Request: requests[index % requests.Length])).ToList();

        var together = await Task.WhenAll(cases.Select(one => Task.Run(() => engine.AnalyzedAsync(one.Input, one.Request), Token)));

        for (int i = 0; i < cases.Count; i++)
        {
            if (!expectations.TryGetValue(cases[i], out var expected))
            {
                expectations.Add(cases[i], expected = await alone.AnalyzedAsync(cases[i].Input, cases[i].Request));
            }

            Assert.Equal(expected.Sha256.ToArray(), together[i].Sha256.ToArray());
            if (cases[i].Request.Deterministic)
            {
                Assert.Equal(expected.Score, together[i].Score);
                Assert.Equal(expected.Mask!.Data.ToArray(), together[i].Mask!.Data.ToArray());
                continue;
            }

            Assert.Equal(expected.Score, together[i].Score, Tolerance);
            Assert.Equal(expected.MaskOmission, together[i].MaskOmission);
            AssertSameMask(expected.Mask, together[i].Mask);
        }

        var sizes = measured.Of("loupe.batch.size");
        Assert.Contains(sizes, static run => run is { Tag: "encode", Value: > 1 });
        Assert.Contains(sizes, static run => run is { Tag: "segment", Value: > 1 });
        Assert.All(sizes, run => Assert.InRange(run.Value, 1, buckets[^1]));
        Assert.Equal(48, sizes.Where(static run => run.Tag == "encode").Sum(static run => run.Value));
    }

    [Fact]
    public async Task Frames_that_ask_for_it_never_share_a_run()
    {
        using var measured = new MeasuredEngine();
        await using var engine = await EngineFixture.StartAsync(
            Crowd, TestPackages.Tiny("tiny-s"), new QuickClock(), Buckets(1, 2, 4), meters: measured);
        var input = Frames.Noise(64, 48);
        var request = Frames.WithMask with { Deterministic = true };

        var answers = await Task.WhenAll(Enumerable.Range(0, 24).Select(_ => Task.Run(() => engine.AnalyzedAsync(input, request), Token)));

        Assert.All(answers, answer => Assert.Equal(answers[0].Score, answer.Score));
        Assert.All(measured.Of("loupe.batch.size"), static run => Assert.Equal(1, run.Value));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Sessions_with_parameters_of_their_own_share_runs_and_each_gets_its_own_answer(bool onDevice)
    {
        const int Sessions = 6;
        using var measured = new MeasuredEngine();
        var alone = oneByOne.Engine;
        await using var engine = await EngineFixture.StartAsync(Crowd, time: new QuickClock(), target: onDevice ? Device(1, 2, 4, 8) : Buckets(1, 2, 4, 8), meters: measured);
        var input = Frames.Sample("forged-cat-in-coffee.jpg");
        var settings = new AdaptationSettings { LearningRate = 5e-3, MinConfidence = 0, DualVerdictEveryNth = 1, Guard = null };

        // Session i is i steps away from the package's parameters.
        var teacher = alone.CreateAdaptation(settings);
        var pairs = new List<(AdaptationSession Alone, AdaptationSession Together)>();
        for (int i = 0; i < Sessions; i++)
        {
            byte[] snapshot = teacher.Snapshot();
            pairs.Add((Restored(alone, snapshot), Restored(engine, snapshot)));
            await alone.AnalyzedAsync(input, Frames.WithMask with { Adaptation = teacher });
        }

        for (int frame = 0; frame < 3; frame++)
        {
            var together = await Task.WhenAll(pairs.Select(
                pair => Task.Run(() => engine.AnalyzedAsync(input, Frames.WithMask with { Adaptation = pair.Together }), Token)));
            for (int i = 0; i < Sessions; i++)
            {
                var expected = await alone.AnalyzedAsync(input, Frames.WithMask with { Adaptation = pairs[i].Alone });
                Assert.Equal(expected.Adaptation!.Step, together[i].Adaptation!.Step);
                Assert.Equal(expected.Adaptation.Drift, together[i].Adaptation!.Drift, 1e-5f);
                AssertSameMask(expected.Mask, together[i].Mask);
                AssertSameMask(expected.BaseMask, together[i].BaseMask);
                float loss = pairs[i].Alone.Report().LastLoss;
                Assert.Equal(loss, pairs[i].Together.Report().LastLoss, loss * 1e-4f);
            }

            // The sessions' own parameters are what they were answered with.
            Assert.Equal(Sessions, together.Select(static answer => Convert.ToHexString(answer.Adaptation!.Hash.Span)).Distinct().Count());
        }

        Assert.Contains(measured.Of("loupe.batch.size"), static run => run is { Tag: "segment", Value: > 1 });

        AdaptationSession Restored(LoupeEngine owner, byte[] snapshot)
        {
            var session = owner.CreateAdaptation(settings);
            Assert.True(session.TryRestore(snapshot, out string? problem), problem);
            return session;
        }
    }

    [Fact]
    public async Task Every_frame_is_answered_once_whoever_gives_up_and_nothing_is_left_behind()
    {
        using var measured = new MeasuredEngine();
        var options = Crowd with { MaxFramesInPipeline = 12, MaxFramesWaiting = 1000 };
        await using (var engine = await EngineFixture.StartAsync(options, TestPackages.Tiny("tiny-s"), new QuickClock(), Buckets(1, 2, 4, 8), meters: measured))
        {
            var random = new Random(7);
            byte[] picture = await File.ReadAllBytesAsync(TestData.Sample("forged-cat-in-coffee.jpg"), Token);
            var frames = Enumerable.Range(0, 200).Select(index => (
                Input: index % 5 == 0 ? (FrameInput)new EncodedInput(picture.AsMemory(0, picture.Length - (index % 10 * 100))) : Frames.Noise(40 + index, 60, index),
                Request: new AnalysisRequest { MaskPolicy = (MaskPolicy)(index % 3), Deterministic = index % 7 == 0 },
                CancelAfter: index % 2 == 0 ? (int?)random.Next(60) : null)).ToList();

            var outcomes = await Task.WhenAll(frames.Select(frame => Task.Run(
                async () =>
                {
                    using var cancellation = CancellationTokenSource.CreateLinkedTokenSource(Token);
                    if (frame.CancelAfter is { } milliseconds)
                    {
                        cancellation.CancelAfter(milliseconds);
                    }

                    return await engine.AnalyzeAsync(frame.Input, frame.Request, cancellation.Token);
                },
                Token)));

            for (int i = 0; i < frames.Count; i++)
            {
                if (frames[i].CancelAfter is null)
                {
                    // A picture that is cut off is refused; whatever else happened around it, the others are analysed.
                    bool cut = frames[i].Input is EncodedInput encoded && encoded.Data.Length < picture.Length;
                    Assert.Equal(cut ? FailureKind.Invalid : null, outcomes[i].Failure?.Kind);
                }
                else if (!outcomes[i].Succeeded)
                {
                    Assert.Contains(outcomes[i].Failure!.Kind, new[] { FailureKind.Canceled, FailureKind.Invalid });
                }
            }

            // Every buffer and slot came back.
            await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => engine.AnalyzedAsync(frames[1].Input)));
        }

        Assert.Equal(0, measured.Of("loupe.frames.in_flight").Sum(static change => change.Value));
        Assert.Equal(240, measured.Of("loupe.frames").Count);
    }

    [Theory]
    [InlineData]
    [InlineData(2, 4)]
    [InlineData(1, 4, 4)]
    [InlineData(1, 128)]
    public async Task Buckets_that_are_none_are_refused(params int[] buckets)
    {
        var exception = await Assert.ThrowsAsync<ArgumentException>(() => EngineFixture.StartAsync(target: Buckets(buckets)));

        Assert.Contains("do not begin with 1 and ascend", exception.Message, StringComparison.Ordinal);
    }

    private static void AssertSameMask(EncodedMask? expected, EncodedMask? actual)
    {
        Assert.Equal(expected is null, actual is null);
        if (expected is not null)
        {
            Assert.Null(GoldenMask.Compare(System.Text.Encoding.ASCII.GetString(expected.Data.Span), actual!.Data.Span, expected.Width, expected.Height));
        }
    }
}
