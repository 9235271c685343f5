using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.TestSupport;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine;

/// <summary>
/// A frame that waits, wherever it waits, is answered when its deadline passes or its caller gives it up, not when a worker comes across it. The clock moves only
/// when the test moves it, and the workers are held.
/// </summary>
public sealed class EngineDeadlineTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromMilliseconds(40);

    private readonly FakeTimeProvider _time = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Before_a_stage_it_leaves_and_makes_room()
    {
        await using var engine = await StartAsync(maxFrames: 2);
        using var held = new HeldFrame();
        var first = engine.AnalyzeAsync(held.Input, Frames.WithMask, Token).AsTask();
        await held.Reached;
        var waiting = AnalyzeAsync(engine, Deadline);
        _time.Advance(TimeSpan.FromMilliseconds(39));
        Assert.False(waiting.IsCompleted);

        _time.Advance(TimeSpan.FromMilliseconds(1));

        await AssertExpiredAsync(waiting);
        Assert.Equal(1, engine.Room.Held.Frames);
        held.Release();
        Assert.True((await first).Succeeded);
    }

    [Fact]
    public async Task At_the_door_it_is_turned_away()
    {
        await using var engine = await StartAsync(maxFrames: 1);
        using var held = new HeldFrame();
        var first = engine.AnalyzeAsync(held.Input, Frames.WithMask, Token).AsTask();
        await held.Reached;
        var waiting = AnalyzeAsync(engine, Deadline);
        var patient = AnalyzeAsync(engine, TimeSpan.FromHours(1));

        _time.Advance(Deadline);

        await AssertExpiredAsync(waiting);
        Assert.Equal(1, engine.Room.Waiting);
        held.Release();
        Assert.True((await first).Succeeded);
        Assert.True((await patient).Succeeded);
    }

    [Fact]
    public async Task Behind_another_frame_of_its_session_it_gives_up_its_turn()
    {
        await using var engine = await StartAsync(maxFrames: 8);
        var session = engine.CreateAdaptation(new AdaptationSettings { Guard = null, MinConfidence = 0 });
        using var held = new HeldFrame();
        var first = engine.AnalyzeAsync(held.Input, Frames.WithMask with { Adaptation = session }, Token).AsTask();
        await held.Reached;
        var waiting = AnalyzeAsync(engine, Deadline, session);
        var behind = AnalyzeAsync(engine, maxAge: null, session);

        _time.Advance(Deadline);

        await AssertExpiredAsync(waiting);
        held.Release();
        Assert.Equal(0, (await first).Analysis?.Adaptation?.Step);
        Assert.Equal(1, (await behind).Analysis?.Adaptation?.Step);
    }

    [Fact]
    public async Task For_its_run_and_for_a_pixel_buffer_it_does_not_wait_for_the_run_before_it()
    {
        var (device, engine) = await StandInDevice.StartHangingAsync(new EngineOptions { DecodeWorkers = 1, MaxFramesInPipeline = 8 }, _time);
        using var held = device;
        var running = AnalyzeAsync(engine, maxAge: null);
        await device.Reached(Token);

        // One buffer is in the run. Two more are filled and wait for it, the rest of the frames wait for buffers.
        var waiting = Enumerable.Range(0, 6).Select(_ => AnalyzeAsync(engine, Deadline)).ToList();
        _time.Advance(Deadline);

        foreach (var frame in waiting)
        {
            await AssertExpiredAsync(frame);
        }

        Assert.Equal(1, engine.Room.Held.Frames);
        Assert.False(running.IsCompleted);
        engine.Abort();
        Assert.Equal(FailureKind.Canceled, (await running).Failure?.Kind);
        await engine.DisposeAsync();
    }

    [Fact]
    public async Task While_its_bytes_are_read_it_goes_on_and_then_no_further()
    {
        await using var engine = await StartAsync(maxFrames: 2);
        using var held = new HeldFrame();
        var frame = engine.AnalyzeAsync(held.Input, Frames.WithMask with { MaxAge = Deadline }, Token).AsTask();
        await held.Reached;

        _time.Advance(Deadline);
        Assert.False(frame.IsCompleted);

        held.Release();
        await AssertExpiredAsync(frame);
    }

    [Fact]
    public async Task Who_gives_a_waiting_frame_up_finds_its_room_free()
    {
        await using var engine = await StartAsync(maxFrames: 2);
        using var held = new HeldFrame();
        using var cancellation = new CancellationTokenSource();
        var first = engine.AnalyzeAsync(held.Input, Frames.WithMask, Token).AsTask();
        await held.Reached;
        var waiting = engine.AnalyzeAsync(Frames.Noise(8, 8), Frames.WithMask, cancellation.Token).AsTask();
        Assert.Equal(2, engine.Room.Held.Frames);

        await cancellation.CancelAsync();

        Assert.Equal(new FrameFailure(FailureKind.Canceled, "The caller canceled the frame."), (await waiting).Failure);
        Assert.Equal(1, engine.Room.Held.Frames);
        held.Release();
        Assert.True((await first).Succeeded);
    }

    [Fact]
    public async Task Many_deadlines_pass_in_their_own_time()
    {
        await using var engine = await StartAsync(maxFrames: 64);
        using var held = new HeldFrame();
        var first = engine.AnalyzeAsync(held.Input, Frames.WithMask, Token).AsTask();
        await held.Reached;
        int[] ages = [.. Enumerable.Range(1, 30).Select(static number => number * 17 % 31)];
        var frames = ages.Select(age => AnalyzeAsync(engine, TimeSpan.FromMilliseconds(age))).ToList();

        for (int now = 1; now <= 30; now++)
        {
            _time.Advance(TimeSpan.FromMilliseconds(1));
            int index = Array.IndexOf(ages, now);
            Assert.Equal($"The frame's deadline of {now} ms passed: it is {now} ms old.", (await frames[index]).Failure?.Message);
            Assert.Equal(30 - now, frames.Count(static frame => !frame.IsCompleted));
        }

        held.Release();
        Assert.True((await first).Succeeded);
    }

    [Theory]
    [InlineData(100)]
    [InlineData(1e6)]
    [InlineData(double.MaxValue)]
    public async Task A_deadline_beyond_any_timer_does_not_hinder(double days)
    {
        await using var engine = await StartAsync(maxFrames: 2);
        var age = days < double.MaxValue ? TimeSpan.FromDays(days) : TimeSpan.MaxValue;
        using var held = new HeldFrame();
        var frame = engine.AnalyzeAsync(held.Input, Frames.WithMask with { MaxAge = age }, Token).AsTask();
        await held.Reached;

        _time.Advance(TimeSpan.FromDays(99));
        held.Release();

        Assert.True((await frame).Succeeded);
    }

    private static Task<AnalysisOutcome> AnalyzeAsync(LoupeEngine engine, TimeSpan? maxAge, AdaptationSession? session = null) =>
        engine.AnalyzeAsync(Frames.Noise(8, 8), Frames.WithMask with { MaxAge = maxAge, Adaptation = session }, Token).AsTask();

    private static async Task AssertExpiredAsync(Task<AnalysisOutcome> frame) => Assert.Equal(
        new FrameFailure(FailureKind.Expired, "The frame's deadline of 40 ms passed: it is 40 ms old."), (await frame.WaitAsync(TimeSpan.FromMinutes(1), Token)).Failure);

    private Task<LoupeEngine> StartAsync(int maxFrames) => EngineFixture.StartAsync(
        new EngineOptions { DecodeWorkers = 1, MaxFramesInPipeline = maxFrames }, TestPackages.Tiny("tiny-s"), _time);
}
