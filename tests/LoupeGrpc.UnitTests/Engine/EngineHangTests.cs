using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Adaptation;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine;

/// <summary>A run that never ends: every frame gets its outcome, and nobody waits for the thread.</summary>
public sealed class EngineHangTests
{
    private static readonly EngineOptions Options = new() { DecodeWorkers = 2, MaxFramesInPipeline = 4 };

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly FakeTimeProvider _time = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    // The start takes one run of the encoder and two of the segmentor.
    [Theory]
    [InlineData(1, "encoder")]
    [InlineData(0, "segmentor")]
    public async Task A_run_that_does_not_end_is_the_end_of_the_device(int framesWithoutMask, string graph)
    {
        using var log = new RecordedLog();
        using var device = new StandInDevice("hang_at_run", "3");
        var engine = await device.StartAsync(Options, _time, log);
        for (int i = 0; i < framesWithoutMask; i++)
        {
            await engine.AnalyzedAsync(Frames.Noise(40, 40), new AnalysisRequest { MaskPolicy = MaskPolicy.Never });
        }

        var first = AnalyzeAsync(engine);
        await device.Reached(Token);

        // Inside, and at the door.
        _time.Advance(TimeSpan.FromSeconds(1));
        var others = Enumerable.Range(0, 8).Select(_ => AnalyzeAsync(engine)).ToList();
        _time.Advance(TimeSpan.FromSeconds(14));
        _time.Advance(TimeSpan.FromSeconds(14.9));
        Assert.False(engine.Lost.IsCompleted);
        Assert.False(first.IsCompleted);

        _time.Advance(TimeSpan.FromSeconds(0.1));

        string reason = await engine.Lost.WaitAsync(Patience, Token);
        Assert.Equal($"a run of the {graph} has not ended after 30 s (Loupe:Engine:RunTimeoutFactor, Loupe:Engine:MinRunTimeout)", reason);
        var failure = new FrameFailure(FailureKind.ModelFault, $"StandIn was lost: {reason}");
        Assert.Equal(failure, (await first.WaitAsync(Patience, Token)).Failure);
        Assert.All(await Task.WhenAll(others).WaitAsync(Patience, Token), outcome => Assert.Equal(failure, outcome.Failure));
        Assert.Equal(failure, (await AnalyzeAsync(engine)).Failure);
        Assert.Equal([failure.Message], log.Of("DeviceLost"));

        await engine.DisposeAsync().AsTask().WaitAsync(Patience, Token);
        Assert.NotEmpty(log.Of("ThreadLeftBehind"));
    }

    [Fact]
    public async Task A_result_that_was_finished_when_its_adaptation_hangs_is_answered()
    {
        // Of the adapt graph the start takes one run, and this frame eight.
        using var device = new StandInDevice("hang_at_run", "5");
        var engine = await device.StartAsync(Options, _time);
        var session = engine.CreateAdaptation(new AdaptationSettings { Guard = null, MinConfidence = 0, StepsPerFrame = 8 });
        var frame = AnalyzeAsync(engine, session);
        await device.Reached(Token);
        var next = AnalyzeAsync(engine, session);

        _time.Advance(TimeSpan.FromSeconds(15));
        _time.Advance(TimeSpan.FromSeconds(15));

        var analysis = (await frame.WaitAsync(Patience, Token)).Analysis;
        Assert.NotNull(analysis?.Mask);
        Assert.Equal((GuardReason.StepFailed, GuardAction.Freeze), (analysis.GuardEvents.Single().Reason, analysis.GuardEvents.Single().Action));
        Assert.True(session.Frozen);
        Assert.StartsWith("StandIn was lost: a run of the adapt", (await next.WaitAsync(Patience, Token)).Failure?.Message, StringComparison.Ordinal);

        // The session is free for another engine.
        await using var other = await EngineFixture.StartAsync(package: engine.Package);
        await other.AnalyzedAsync(Frames.Noise(40, 40), Frames.WithMask with { Adaptation = session });
        await engine.DisposeAsync().AsTask().WaitAsync(Patience, Token);
    }

    [Fact]
    public async Task Abort_answers_what_hangs_at_once_and_disposal_does_not_wait_for_it()
    {
        var (device, engine) = await StandInDevice.StartHangingAsync(Options, _time);
        using var held = device;
        var frames = Enumerable.Range(0, 8).Select(_ => AnalyzeAsync(engine)).ToList();
        await device.Reached(Token);

        engine.Abort();

        Assert.All(
            await Task.WhenAll(frames).WaitAsync(Patience, Token),
            static outcome => Assert.Equal(new FrameFailure(FailureKind.Canceled, "The engine is stopping."), outcome.Failure));
        await engine.DisposeAsync().AsTask().WaitAsync(Patience, Token);
        Assert.False(engine.Lost.IsCompleted);
    }

    [Fact]
    public async Task Disposal_waits_for_a_run_that_hangs_only_until_it_is_given_up()
    {
        var (device, engine) = await StandInDevice.StartHangingAsync(Options, _time);
        using var held = device;
        var frame = AnalyzeAsync(engine);
        await device.Reached(Token);

        var disposal = engine.DisposeAsync().AsTask();
        _time.Advance(TimeSpan.FromSeconds(15));
        Assert.False(disposal.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(15));

        Assert.Equal(FailureKind.ModelFault, (await frame.WaitAsync(Patience, Token)).Failure?.Kind);
        await disposal.WaitAsync(Patience, Token);
    }

    private static Task<AnalysisOutcome> AnalyzeAsync(LoupeEngine engine, AdaptationSession? session = null) =>
        engine.AnalyzeAsync(Frames.Noise(40, 40), Frames.WithMask with { Adaptation = session }, Token).AsTask();
}
