using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.TestSupport;
using LoupeGrpc.UnitTests.Engine.Adaptation;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine.Diagnostics;

public sealed class EngineMetricsTests
{
    [Fact]
    public async Task Frames_stages_and_waiting_are_measured()
    {
        using var measured = new MeasuredEngine();
        await using (var engine = await EngineFixture.StartAsync(package: TestPackages.Tiny("tiny-s"), meters: measured))
        {
            await engine.AnalyzedAsync(Frames.Noise(20, 20));
            await engine.AnalyzedAsync(Frames.Noise(20, 20), new AnalysisRequest { MaskPolicy = MaskPolicy.Never });
            await engine.FailedAsync(new EncodedInput("?"u8.ToArray()));
        }

        Assert.Equal(["analyzed", "analyzed", "invalid"], measured.Of("loupe.frames").Select(static m => m.Tag).Order(StringComparer.Ordinal));
        Assert.Equal(0, measured.Of("loupe.frames.in_flight").Sum(static m => m.Value));
        Assert.Equal(6, measured.Of("loupe.frames.in_flight").Count);
        Assert.Equal(2, measured.Of("loupe.queue.duration").Count);
        Assert.Equal(
            ["decode", "decode", "encode", "encode", "mask", "preprocess", "preprocess", "segment"],
            measured.Of("loupe.stage.duration").Select(static m => m.Tag).Order(StringComparer.Ordinal));
        Assert.All(measured.Of("loupe.stage.duration"), static m => Assert.InRange(m.Value, 0, 60));
        Assert.Equal(["encode", "encode", "segment"], measured.Of("loupe.batch.size").Select(static m => m.Tag).Order(StringComparer.Ordinal));
        Assert.All(measured.Of("loupe.batch.size"), static m => Assert.Equal(1, m.Value));
        Assert.Equal(["encode", "encode", "segment"], measured.Of("loupe.run.duration").Select(static m => m.Tag).Order(StringComparer.Ordinal));
        Assert.Equal(2, measured.Of("loupe.batch.wait.duration").Count);
    }

    [Fact]
    public async Task Steps_of_adaptation_and_what_the_guard_does_are_counted()
    {
        using var measured = new MeasuredEngine();
        await using (var engine = await EngineFixture.StartAsync(meters: measured))
        {
            var frame = Frames.File(ReferenceStream.Read("scale").Frames[0].Path);
            await engine.AnalyzedAsync(frame, Frames.WithMask with { Adaptation = engine.CreateAdaptation(new AdaptationSettings { StepsPerFrame = 3 }) });

            // A bound that the first step passes: it is taken back, and counts as none.
            var bounds = new GuardSettings { MaxDrift = 1e-9f };
            await engine.AnalyzedAsync(frame, Frames.WithMask with { Adaptation = engine.CreateAdaptation(new AdaptationSettings { Guard = bounds }) });
            await engine.AnalyzedAsync(
                frame,
                Frames.WithMask with { Adaptation = engine.CreateAdaptation(new AdaptationSettings { Guard = bounds with { Action = GuardAction.Freeze } }) });
        }

        Assert.Equal(3, measured.Of("loupe.adaptation.steps").Sum(static m => m.Value));
        Assert.Equal(["freeze drift", "roll_back drift"], measured.Of("loupe.adaptation.guard_events").Select(static m => m.Tags).Order(StringComparer.Ordinal));
    }
}
