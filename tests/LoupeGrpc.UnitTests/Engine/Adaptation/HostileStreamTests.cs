using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Adaptation;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine.Adaptation;

/// <summary>
/// Streams that would teach the head something wrong. Behind each, forged frames are answered with what the session has become,
/// and must not be answered worse than without adaptation by more than the bound.
/// </summary>
public sealed class HostileStreamTests(EngineFixture fixture, ITestOutputHelper output) : IClassFixture<EngineFixture>
{
    private const int Side = ReferenceStream.Side;
    private const int Frames = 60;

    // Of total IoU.
    private const double Bound = 0.002;

    /// <summary>All frames of a stream have one pseudo label, or nearly: the guard takes the first few, passes the others over and has nothing to stop.</summary>
    [Theory]
    [InlineData("authentic")]
    [InlineData("noise")]
    [InlineData("flicker")]
    [InlineData("everything")]
    public async Task The_guard_bounds_the_harm(string stream)
    {
        var settings = new AdaptationSettings();

        var lesson = await TeachAsync(stream, settings);

        Assert.Equal(settings.Guard!.MaxSameLabel, lesson.Steps);
        Assert.Empty(lesson.Events);
        Assert.False(lesson.WasFrozen);
        Assert.InRange(lesson.Drift, float.Epsilon, settings.Guard.MaxDrift);
        Assert.True(lesson.Adapted >= lesson.Unadapted - Bound);
    }

    /// <summary>What the guard is there for: without it the same frames do harm.</summary>
    [Theory]
    [InlineData("authentic")]
    [InlineData("noise")]
    public async Task Without_the_guard_the_streams_do_harm(string stream)
    {
        var lesson = await TeachAsync(stream, new AdaptationSettings { Guard = null });

        Assert.True(lesson.Steps > new GuardSettings().MaxSameLabel);
        Assert.Empty(lesson.Events);
        Assert.True(lesson.Adapted < lesson.Unadapted - Bound);
    }

    /// <summary>The bounds behind the first one, which is lifted here.</summary>
    [Fact]
    public async Task A_stream_that_teaches_on_and_on_is_stopped_at_the_bound_of_drift_and_told_once()
    {
        var guard = new GuardSettings { MaxSameLabel = int.MaxValue };

        var lesson = await TeachAsync("everything", new AdaptationSettings { Guard = guard });

        var stop = Assert.Single(lesson.Events);
        Assert.Equal((GuardReason.Drift, GuardAction.RollBack, true), (stop.Reason, stop.Action, stop.After.Frozen));
        Assert.True(lesson.WasFrozen);
        Assert.Equal((stop.After.Step, stop.After.Drift), (lesson.Steps, lesson.Drift));
        Assert.InRange(lesson.Drift, 0.9f * guard.MaxDrift, guard.MaxDrift);
        Assert.True(lesson.Adapted >= lesson.Unadapted - Bound);
    }

    private async Task<Lesson> TeachAsync(string stream, AdaptationSettings settings)
    {
        var session = fixture.Engine.CreateAdaptation(settings);
        var request = Engine.Frames.WithMask with { Adaptation = session };
        var events = new List<GuardEvent>();
        for (int i = 0; i < Frames; i++)
        {
            var analysis = await fixture.Engine.AnalyzedAsync(Hostile(stream, i), request);
            events.AddRange(analysis.GuardEvents);
        }

        var after = session.Report();
        session.Freeze();
        var (adapted, unadapted) = (new ForgedArea(Side, Side), new ForgedArea(Side, Side));
        foreach (var frame in ReferenceStream.Read("scale").Frames)
        {
            var analysis = await fixture.Engine.AnalyzedAsync(Engine.Frames.File(frame.Path), request);
            adapted.Add(frame.Truth, analysis.Mask!.Data.ToArray());
            unadapted.Add(frame.Truth, frame.Base);
        }

        output.WriteLine(
            $"{stream}: {after.Step} steps, drift {after.Drift:0.0000}, base {unadapted.Iou:0.0000}, adapted {adapted.Iou:0.0000}; {string.Join(" | ", events.Select(static e => e.Message))}");
        return new Lesson(after.Step, after.Drift, after.Frozen, events, unadapted.Iou, adapted.Iou);
    }

    private static FrameInput Hostile(string stream, int index) => stream switch
    {
        "authentic" => Engine.Frames.Sample((index % 3) switch { 0 => "authentic-rocket.png", 1 => "authentic-hubble.png", _ => "authentic-coffee.jpg" }),
        "noise" => Engine.Frames.Noise(Side, Side, index),
        "flicker" => (index % 3) switch
        {
            0 => Flat(0),
            1 => Flat(255),
            _ => Engine.Frames.Sample("forged-cat-in-coffee.jpg"),
        },
        _ => Blocks(index),
    };

    private static RawInput Flat(byte level)
    {
        byte[] pixels = new byte[Side * Side * 3];
        pixels.AsSpan().Fill(level);
        return Engine.Frames.Bgr(pixels, Side, Side);
    }

    /// <summary>Noise of another strength in each block: edges of manipulation all over.</summary>
    private static RawInput Blocks(int seed)
    {
        const int Block = 28;
        var random = new Random(seed);
        byte[] pixels = new byte[Side * Side * 3];
        for (int y = 0; y < Side; y++)
        {
            for (int x = 0; x < Side; x++)
            {
                int strength = ((x / Block * 7) + (y / Block * 13) + seed) % 5 * 25;
                for (int c = 0; c < 3; c++)
                {
                    pixels[(((y * Side) + x) * 3) + c] = (byte)(100 + random.Next(strength + 1));
                }
            }
        }

        return Engine.Frames.Bgr(pixels, Side, Side);
    }

    /// <summary>What a stream has taught a session, and what that did to total IoU.</summary>
    private sealed record Lesson(long Steps, float Drift, bool WasFrozen, IReadOnlyList<GuardEvent> Events, double Unadapted, double Adapted);
}
