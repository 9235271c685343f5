using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.TestSupport;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine.Adaptation;

/// <summary>Frames of one session that are sent at once, without anybody waiting for the one before.</summary>
public sealed class SessionOrderTests
{
    private static readonly AdaptationSettings EveryFrame = new() { Guard = null, MinConfidence = 0 };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_meets_the_state_that_those_before_it_left()
    {
        await using var engine = await StartAsync();
        var (alone, together) = (engine.CreateAdaptation(EveryFrame), engine.CreateAdaptation(EveryFrame));
        var expected = new List<string>();
        for (int i = 0; i < 12; i++)
        {
            expected.Add(Essence(await engine.AnalyzeAsync(Frames.Noise(40, 40, i), Frames.WithMask with { Adaptation = alone }, Token)));
        }

        var frames = Enumerable.Range(0, 12).Select(
            number => engine.AnalyzeAsync(Frames.Noise(40, 40, number), Frames.WithMask with { Adaptation = together }, Token).AsTask()).ToList();

        Assert.Equal(expected, (await Task.WhenAll(frames)).Select(Essence));
        Assert.Equal(12, together.Report().Step);
    }

    [Fact]
    public async Task One_that_is_given_up_among_them_teaches_nothing_and_holds_nobody_up()
    {
        await using var engine = await StartAsync();
        var session = engine.CreateAdaptation(EveryFrame);
        using var held = new HeldFrame();
        using var cancellation = new CancellationTokenSource();
        var first = engine.AnalyzeAsync(held.Input, Frames.WithMask with { Adaptation = session }, Token).AsTask();
        await held.Reached;
        var second = engine.AnalyzeAsync(Frames.Noise(40, 40), Frames.WithMask with { Adaptation = session }, cancellation.Token).AsTask();
        var third = engine.AnalyzeAsync(Frames.Noise(40, 40), Frames.WithMask with { Adaptation = session }, Token).AsTask();

        await cancellation.CancelAsync();
        Assert.Equal(FailureKind.Canceled, (await second).Failure?.Kind);

        held.Release();
        Assert.Equal(0, (await first).Analysis?.Adaptation?.Step);
        Assert.Equal(1, (await third).Analysis?.Adaptation?.Step);
    }

    private static Task<LoupeEngine> StartAsync() =>
        EngineFixture.StartAsync(new EngineOptions { DecodeWorkers = 3, ConcurrentRuns = 2, MaxFramesInPipeline = 16 }, TestPackages.Tiny("tiny-s"));

    private static string Essence(AnalysisOutcome outcome) =>
        $"{outcome.Analysis?.Score} {outcome.Analysis?.Adaptation?.Step} {Convert.ToHexString(outcome.Analysis!.Adaptation!.Hash.Span)} {Convert.ToHexString(outcome.Analysis.Mask!.Data.Span)}";
}
