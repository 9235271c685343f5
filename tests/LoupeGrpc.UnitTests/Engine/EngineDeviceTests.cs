using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Execution;
using LoupeGrpc.Packaging;
using LoupeGrpc.TestSupport;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine;

/// <summary>An engine on a device that has bad days: the stand-in provider.</summary>
public sealed class EngineDeviceTests : IDisposable
{
    // Rows of the largest tensor that the stand-in computes for one picture of tiny-s, rounded up.
    private const int RowsOfOne = 256;

    private static readonly EngineOptions Crowd = new() { DecodeWorkers = 2, MaxFramesInPipeline = 64 };

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("loupe-device-");
    private readonly RecordedLog _log = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static ModelPackage Package => TestPackages.Tiny("tiny-s");

    public void Dispose()
    {
        _log.Dispose();
        _directory.Delete(recursive: true);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(4, 4)]
    public async Task Batches_that_do_not_fit_at_the_start_are_halved_with_one_warning(int pictures, int expected)
    {
        await using var engine = await StartAsync(("max_batch", $"{pictures * RowsOfOne}"));

        Assert.Equal(expected, engine.LargestBatch);
        Assert.Equal([$"StandIn has no memory for 8 frames at once (warm-up): at most {expected} from now on"], _log.Of("BatchHalved"));
        await AnalyzeAsync(engine, 16);
    }

    [Fact]
    public async Task A_device_without_memory_for_one_frame_does_not_start()
    {
        var exception = await Assert.ThrowsAsync<ModelLoadException>(() => StartAsync(("max_batch", "1")));

        Assert.Contains("does not run on StandIn: Failed to allocate memory", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Batches_that_do_not_fit_any_more_are_halved_and_no_frame_is_lost()
    {
        // Far behind the runs of the warm-up: 6 and 8 a bucket.
        await using var engine = await StartAsync(("max_batch", $"{2 * RowsOfOne}"), ("max_batch_from_run", "45"));
        Assert.Equal(8, engine.LargestBatch);

        for (int round = 0; round < 100 && engine.LargestBatch > 2; round++)
        {
            await AnalyzeAsync(engine, 32);
        }

        Assert.Equal(2, engine.LargestBatch);
        var warnings = _log.Of("BatchHalved");
        Assert.InRange(warnings.Count, 1, 2);
        Assert.EndsWith("at most 2 from now on", warnings[^1], StringComparison.Ordinal);
        await AnalyzeAsync(engine, 32);
        Assert.False(engine.Lost.IsCompleted);
    }

    [Fact]
    public async Task Two_frames_in_a_row_without_memory_are_the_end_of_the_device()
    {
        await using var engine = await StartAsync(("max_batch", "1"), ("max_batch_from_run", "45"));
        FrameFailure? last = null;
        for (int i = 0; i < 100 && !engine.Lost.IsCompleted; i++)
        {
            last = (await engine.AnalyzeAsync(Frames.Noise(40, 40), Frames.WithMask, Token)).Failure ?? last;
        }

        Assert.Contains("no memory for a single frame", await engine.Lost.WaitAsync(TimeSpan.FromMinutes(1), Token), StringComparison.Ordinal);
        Assert.Equal(FailureKind.ModelFault, last?.Kind);
    }

    [Fact]
    public async Task A_lost_device_takes_no_frame_more_and_every_frame_gets_its_outcome()
    {
        // The count of runs is the library's: a library of its own.
        string library = StandIn.CopyTo(Path.Combine(_directory.FullName, "libloupe_standin.so"));
        // 38 runs warm it up, 200 frames take 50 at least.
        await using var engine = await StartAsync(library, ("fail_after_runs", "60"));

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 200).Select(
            index => Task.Run(async () => await engine.AnalyzeAsync(Frames.Noise(30 + index, 40), Frames.WithMask, Token), Token)));

        string reason = await engine.Lost.WaitAsync(TimeSpan.FromMinutes(1), Token);
        Assert.StartsWith("CUDA failure 700: an illegal memory access", reason, StringComparison.Ordinal);
        Assert.Contains(outcomes, static outcome => outcome.Succeeded);
        var failures = outcomes.Where(static outcome => !outcome.Succeeded).Select(static outcome => outcome.Failure!).Distinct().ToList();
        Assert.Equal([new FrameFailure(FailureKind.ModelFault, $"StandIn was lost: {reason}")], failures);
        Assert.Equal([$"StandIn was lost: {reason}"], _log.Of("DeviceLost"));

        // At once: nobody looks at the bytes any more.
        var noise = Frames.Noise(8, 8);
        var unread = noise with { Data = new HookedMemory(noise.Data.ToArray(), static () => throw new InvalidOperationException("read")).Bytes };
        Assert.Equal(failures[0], await engine.FailedAsync(unread));
    }

    [Fact]
    public async Task A_run_that_fails_once_is_checked_and_costs_no_frame_that_shared_it()
    {
        await using var engine = await StartAsync(("fail_at_run", "30"));
        var outcomes = new List<AnalysisOutcome>();
        for (int round = 0; round < 30; round++)
        {
            outcomes.AddRange(await Task.WhenAll(Enumerable.Range(0, 8).Select(
                index => Task.Run(async () => await engine.AnalyzeAsync(Frames.Noise(30 + index, 40), Frames.WithMask, Token), Token))));
        }

        // In each of the two graphs one run fails: of several frames, that run again each by itself, or of one.
        Assert.InRange(outcomes.Count(static outcome => !outcome.Succeeded), 0, 2);
        Assert.All(
            outcomes.Where(static outcome => !outcome.Succeeded),
            static outcome => Assert.Equal("The model failed on this frame; the server's log has the reason.", outcome.Failure!.Message));
        Assert.Equal(2, _log.Of("RunFailed").Count);
        Assert.False(engine.Lost.IsCompleted);
    }

    [Fact]
    public async Task Wrong_numbers_are_told_by_output_and_distance()
    {
        var exception = await Assert.ThrowsAsync<SelfCheckException>(() => StartAsync(("mode", "wrong-numbers")));

        Assert.Contains(exception.Output, new[] { PackageTensors.ClsLogit, PackageTensors.PatchLogits, PackageTensors.MaskLogits, PackageTensors.ClassLogits });
        Assert.True(exception.Distance > exception.Tolerance);
        Assert.Equal(SelfCheck.Fp32Tolerance, exception.Tolerance);
    }

    [Theory]
    [InlineData("[ErrorCode:Fail] CUDA failure 719: unspecified launch failure ; GPU=0 ; hostname=x ; expr=cudaStreamSynchronize(s);", true, false)]
    [InlineData("CUDA error 700: something", true, false)]
    [InlineData("CUDA failure 2: out of memory ; GPU=0", false, true)]
    [InlineData("CUDA failure 700123: no such error", false, false)]
    [InlineData("onnxruntime::BFCArena::AllocateRawInternal Failed to allocate memory for requested buffer of size 939524096", false, true)]
    [InlineData("Available memory of 12 is smaller than requested bytes of 4096", false, true)]
    [InlineData("CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED ; GPU=0", false, true)]
    [InlineData("Non-zero status code returned while running Conv node.", false, false)]
    public void What_an_error_says_about_the_device(string message, bool sticky, bool outOfMemory)
    {
        Assert.Equal(sticky, DeviceFaults.IsSticky(message));
        Assert.Equal(outOfMemory, DeviceFaults.IsOutOfMemory(message));
    }

    private static async Task AnalyzeAsync(LoupeEngine engine, int frames)
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, frames).Select(
            index => Task.Run(() => engine.AnalyzedAsync(Frames.Noise(30 + index, 40), Frames.WithMask), Token)));
        Assert.All(answers, static answer => Assert.Equal("StandIn", answer.Execution.Provider));
    }

    private Task<LoupeEngine> StartAsync(params (string Name, string Value)[] options) => StartAsync(StandIn.Library, options);

    private Task<LoupeEngine> StartAsync(string library, params (string Name, string Value)[] options) => EngineFixture.StartAsync(
        Crowd,
        Package,
        new QuickClock(),
        new ExecutionTarget
        {
            Kind = ProviderKind.Plugin,
            Provider = "StandIn",
            Library = library,
            Buckets = [1, 2, 4, 8],
            Options = options.ToDictionary(static option => option.Name, static option => option.Value),
        },
        _log);
}
