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

    [Theory]
    [InlineData("authentic")]
    [InlineData("noise")]
    [InlineData("flicker")]
    [InlineData("everything")]
    public async Task The_guard_bounds_the_harm(string stream)
    {
        var session = fixture.Engine.CreateAdaptation(new AdaptationSettings());
        var request = Engine.Frames.WithMask with { Adaptation = session };
        var events = new List<GuardEvent>();
        long steps = 0;
        for (int i = 0; i < Frames; i++)
        {
            var analysis = await fixture.Engine.AnalyzedAsync(Hostile(stream, i), request);
            events.AddRange(analysis.GuardEvents);
            steps = Math.Max(steps, session.Report().Step);
        }

        session.Freeze();
        var (adapted, unadapted) = (new ForgedArea(Side, Side), new ForgedArea(Side, Side));
        foreach (var frame in ReferenceStream.Read("scale").Frames)
        {
            var analysis = await fixture.Engine.AnalyzedAsync(Engine.Frames.File(frame.Path), request);
            adapted.Add(frame.Truth, analysis.Mask!.Data.ToArray());
            unadapted.Add(frame.Truth, frame.Base);
        }

        output.WriteLine(
            $"{stream}: {steps} steps, drift {session.Report().Drift:0.0000}, base {unadapted.Iou:0.0000}, adapted {adapted.Iou:0.0000}; {string.Join(" | ", events.Select(static e => e.Message))}");
        Assert.True(adapted.Iou >= unadapted.Iou - Bound);
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
}
