using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.TestSupport;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine.Adaptation;

/// <summary>Which frames adapt, and by how many steps. Without the guard, which would have its own say.</summary>
public sealed class WhichFramesAdaptTests(EngineFixture fixture) : IClassFixture<EngineFixture>
{
    private const int Count = 8;

    private static readonly AdaptationSettings EveryFrame = new() { Guard = null, MinConfidence = 0 };

    [Fact]
    public async Task Every_frame_adapts_by_one_step() => Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8], await StepsAsync(EveryFrame));

    [Fact]
    public async Task A_frame_may_take_several_steps() => Assert.Equal(
        [3, 6, 9, 12, 15, 18, 21, 24], await StepsAsync(EveryFrame with { StepsPerFrame = 3 }));

    [Fact]
    public async Task Only_each_nth_frame_adapts_the_first_among_them() => Assert.Equal(
        [1, 1, 1, 2, 2, 2, 3, 3], await StepsAsync(EveryFrame with { EveryNth = 3 }));

    [Fact]
    public async Task Frames_of_less_confidence_are_passed_over()
    {
        float[] confidences = [.. ReferenceStream.Read("scale").Frames.Take(Count).Select(static frame => MathF.Abs(frame.Score - 0.5f))];
        float[] ordered = [.. confidences.Order()];

        // Between two of them, as far from both as can be: the score itself is only near the reference's.
        int split = Enumerable.Range(1, Count - 1).MaxBy(i => ordered[i] - ordered[i - 1]);
        float bound = (ordered[split] + ordered[split - 1]) / 2;
        var expected = confidences.Select((_, i) => (long)confidences.Take(i + 1).Count(confidence => confidence >= bound));
        Assert.Equal(expected, await StepsAsync(EveryFrame with { MinConfidence = bound }));
    }

    [Fact]
    public async Task Damaged_pictures_teach_nothing()
    {
        var session = fixture.Engine.CreateAdaptation(EveryFrame);
        var request = Frames.WithMask with { Adaptation = session };

        await fixture.Engine.AnalyzedAsync(Frames.File(TestData.Golden("faults", "jpeg-hole-1k.jpg")), request);
        long afterHole = session.Report().Step;
        await fixture.Engine.AnalyzedAsync(Frames.File(TestData.Golden("faults", "jpeg-whole.jpg")), request);

        Assert.Equal((0L, 1L), (afterHole, session.Report().Step));
    }

    /// <summary>The step after each frame.</summary>
    private async Task<List<long>> StepsAsync(AdaptationSettings settings)
    {
        var session = fixture.Engine.CreateAdaptation(settings);
        List<long> steps = [];
        foreach (var frame in ReferenceStream.Read("scale").Frames.Take(Count))
        {
            await fixture.Engine.AnalyzedAsync(Frames.File(frame.Path), Frames.WithMask with { Adaptation = session });
            steps.Add(session.Report().Step);
        }

        return steps;
    }
}
