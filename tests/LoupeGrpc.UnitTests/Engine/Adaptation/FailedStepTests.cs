using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Adaptation;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine.Adaptation;

/// <summary>Steps of adaptation that cannot be computed, on the stand-in for a device.</summary>
public sealed class FailedStepTests
{
    private static readonly EngineOptions Options = new() { DecodeWorkers = 1, MaxFramesInPipeline = 4 };

    // No guard, and no frame is too unsure.
    private static readonly AdaptationSettings EveryFrame = new() { Guard = null, MinConfidence = 0 };

    [Fact]
    public async Task A_failed_step_costs_no_result_freezes_the_session_and_is_told()
    {
        using var log = new RecordedLog();

        // Of the adapt graph the start takes one run, so that of eight steps the last fails.
        using var device = new StandInDevice("fail_at_run", "9");
        await using var engine = await device.StartAsync(Options, loggers: log);
        var session = engine.CreateAdaptation(EveryFrame with { StepsPerFrame = 8 });

        var first = await AnalyzedAsync(engine, session);
        var second = await AnalyzedAsync(engine, session);

        Assert.NotNull(first.Mask);
        Assert.Equal(0, first.Adaptation!.Step);
        var guard = Assert.Single(first.GuardEvents);
        Assert.Equal((GuardReason.StepFailed, GuardAction.Freeze, 7, true), (guard.Reason, guard.Action, guard.After.Step, guard.After.Frozen));
        Assert.Equal("The adaptation step failed, so the session no longer adapts; the server's log has the reason.", guard.Message);
        Assert.Single(log.Of("RunFailed"));

        // Frozen: answered with what it had learnt, and learns no more.
        Assert.Equal((7, true), (second.Adaptation!.Step, second.Adaptation.Frozen));
        Assert.Empty(second.GuardEvents);
        Assert.Equal(7, session.Report().Step);
        Assert.False(engine.Lost.IsCompleted);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Two_steps_in_a_row_without_memory_are_the_end_of_the_device_whatever_frames_pass_between_them_without_one(bool between)
    {
        // Memory goes from the ninth run of each graph on, which only the adapt graph reaches.
        using var device = new StandInDevice("no_memory_from_run", "9");
        await using var engine = await device.StartAsync(Options);

        var first = await AnalyzedAsync(engine, engine.CreateAdaptation(EveryFrame with { StepsPerFrame = 8 }));
        Assert.Equal(GuardReason.StepFailed, Assert.Single(first.GuardEvents).Reason);
        Assert.False(engine.Lost.IsCompleted);
        if (between)
        {
            // It passes the stage, and runs nothing there.
            var unsure = await AnalyzedAsync(engine, engine.CreateAdaptation(EveryFrame with { MinConfidence = 0.5f }));
            Assert.Empty(unsure.GuardEvents);
        }

        var last = await AnalyzedAsync(engine, engine.CreateAdaptation(EveryFrame));

        Assert.Equal(GuardReason.StepFailed, Assert.Single(last.GuardEvents).Reason);
        Assert.Contains(
            "no memory for a single frame, 2 times in a row", await engine.Lost.WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    private static Task<FrameAnalysis> AnalyzedAsync(LoupeEngine engine, AdaptationSession session) =>
        engine.AnalyzedAsync(Frames.Noise(40, 40), Frames.WithMask with { Adaptation = session });
}
