using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Execution;
using LoupeGrpc.TestSupport;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine;

/// <summary>Counts what the whole process allocates, so nothing else may run beside it.</summary>
[CollectionDefinition(nameof(AllocationTests), DisableParallelization = true)]
[Collection(nameof(AllocationTests))]
public sealed class AllocationTests
{
    private const int Rounds = 20;

    [Fact]
    public void A_run_allocates_nothing()
    {
        using var model = LoupeModel.Load(TestPackages.Tiny("tiny-s"), ExecutionTarget.Cpu, intraOpThreads: 2);
        using var slot = RunSlot.Allocate(model, rows: 1);
        using var pixels = model.CreatePixels();
        Run();

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < Rounds; i++)
        {
            Run();
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Run()
        {
            slot.Encode(pixels);
            slot.PseudoLabels.Values[0] = Scores.OfLogit(slot.ClsLogits.Values[0]);
            slot.SetParameters(0, model.BaseParameters);
            slot.Segment(new RowRange(0, 1));
        }
    }

    [Theory]
    [InlineData(320, 180)]
    [InlineData(1920, 1080)]
    public async Task A_raw_frame_takes_the_same_few_kilobytes_whatever_its_size(int width, int height)
    {
        await using var engine = await EngineFixture.StartAsync(new EngineOptions { DecodeWorkers = 1 }, target: ExecutionTarget.Cpu);
        await CheckAsync(engine, Frames.Noise(width, height));
    }

    [Fact]
    public async Task An_encoded_frame_takes_the_same_few_kilobytes_whatever_its_size()
    {
        await using var engine = await EngineFixture.StartAsync(new EngineOptions { DecodeWorkers = 1 }, target: ExecutionTarget.Cpu);
        await CheckAsync(engine, Frames.File(TestData.Golden("preprocess", "rgb-53x37.png")));
        await CheckAsync(engine, Frames.File(TestData.Golden("preprocess", "rgb-1920x1080.jpg")));
    }

    private static async Task CheckAsync(LoupeEngine engine, FrameInput input)
    {
        const int Ceiling = 8 << 10;
        for (int i = 0; i < 5; i++)
        {
            await engine.AnalyzedAsync(input);
        }

        // The least of three: what the runtime allocates now and then for itself is not the frame's.
        long perFrame = long.MaxValue;
        for (int attempt = 0; attempt < 3; attempt++)
        {
            perFrame = Math.Min(perFrame, await MeasureAsync(engine, input));
        }

        Assert.InRange(perFrame, 0, Ceiling);
    }
    private static async Task<long> MeasureAsync(LoupeEngine engine, FrameInput input)
    {
        long messages = 0;
        long before = GC.GetTotalAllocatedBytes(precise: true);
        for (int i = 0; i < Rounds; i++)
        {
            messages += (await engine.AnalyzedAsync(input)).Mask!.Data.Length;
        }

        return (GC.GetTotalAllocatedBytes(precise: true) - before - messages) / Rounds;
    }
}
