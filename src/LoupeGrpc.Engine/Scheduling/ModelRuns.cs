using LoupeGrpc.Engine.Diagnostics;
using LoupeGrpc.Engine.Execution;
using LoupeGrpc.Packaging;
using Microsoft.Extensions.Logging;
using Microsoft.ML.OnnxRuntime;

namespace LoupeGrpc.Engine.Scheduling;

/// <summary>A loaded model, proven and warm, with the memory that its frames run in and the plan of their runs.</summary>
internal sealed class ModelRuns : IDisposable
{
    /// <summary>
    /// Larger weights are not loaded a second time for runs on one thread: that memory buys little, since runs of such models split well (the largest published one takes
    /// 1.9 s on one thread, 0.95 on two).
    /// </summary>
    private const long MostSpreadWeights = 128L << 20;

    private readonly SelfCheck _check;
    private readonly RunMemory _memory;
    private readonly RunParallelism? _parallelism;

    private ModelRuns(LoupeModel model, RunParallelism? parallelism, SelfCheck check, BatchSizes sizes, int concurrentRuns, RunMemory memory, RunWatchdog watchdog)
    {
        Model = model;
        _parallelism = parallelism;
        _check = check;
        Sizes = sizes;
        ConcurrentRuns = concurrentRuns;
        _memory = memory;
        Watchdog = watchdog;
        EncodePlanner = new BatchPlanner(sizes, new RunTimes());
        SegmentPlanner = new BatchPlanner(sizes, new RunTimes());
    }

    public LoupeModel Model { get; }

    public BatchSizes Sizes { get; }

    public RunSlotPool Slots => _memory.Slots;

    public PixelPool Pixels => _memory.Pixels;

    public BatchPlanner EncodePlanner { get; }

    public BatchPlanner SegmentPlanner { get; }

    /// <summary>Runs of each graph at a time.</summary>
    public int ConcurrentRuns { get; }

    /// <summary>Of every run of the model.</summary>
    public RunWatchdog Watchdog { get; }

    /// <summary>The worst of all buckets.</summary>
    public SelfCheckReport SelfCheck { get; private set; } = new(string.Empty, -1, 0, 0);

    /// <summary>Loads the graphs, runs each of them in every bucket and compares with what the package has recorded.</summary>
    /// <exception cref="SelfCheckException">The target computes something else.</exception>
    /// <exception cref="ModelLoadException">The package cannot be run on the target.</exception>
    public static ModelRuns Start(
        ModelPackage package, EngineOptions options, ExecutionTarget target, ILogger logger, TimeProvider time, CancellationToken cancellationToken)
    {
        int threads = options.EffectiveIntraOpThreads;
        var parallelism = !target.IsDevice && options.ParallelizesRuns && LoupeModel.WeightBytes(package, target) <= MostSpreadWeights ? new RunParallelism(threads) : null;
        var model = LoupeModel.Load(package, target, threads, alsoSingle: parallelism is not null);
        try
        {
            if (model.WithoutOperators is { } reason)
            {
                EngineLog.OperatorsMissing(logger, package.Manifest.Name, reason);
            }

            if (parallelism is not null)
            {
                model.ParallelizeRuns(parallelism.Encoder, parallelism.Segmentor);
            }

            var watchdog = new RunWatchdog(options.RunTimeoutFactor, options.MinRunTimeout, time);
            model.WatchRuns(watchdog.Watch);
            var check = Execution.SelfCheck.Read(model, package);
            var sizes = new BatchSizes(target.Buckets);
            int concurrentRuns = target.IsDevice ? 1 : parallelism is not null ? Math.Min(threads, options.MaxFramesInPipeline) : options.EffectiveConcurrentRuns;
            var runs = Start(model, parallelism, check, sizes, concurrentRuns, options, watchdog, logger, time, cancellationToken);
            if (sizes.Largest < target.Buckets[^1])
            {
                EngineLog.BatchHalved(logger, target.Provider, "warm-up", target.Buckets[^1], sizes.Largest);
            }

            return runs;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>With the largest batch that there is memory for.</summary>
    private static ModelRuns Start(
        LoupeModel model,
        RunParallelism? parallelism,
        SelfCheck check,
        BatchSizes sizes,
        int concurrentRuns,
        EngineOptions options,
        RunWatchdog watchdog,
        ILogger logger,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int largest = sizes.Largest;
            RunMemory? memory = null;
            try
            {
                memory = RunMemory.Allocate(model, largest, concurrentRuns, options.EffectiveDecodeWorkers);
                var runs = new ModelRuns(model, parallelism, check, sizes, concurrentRuns, memory, watchdog);
                runs.WarmUp(logger, time, cancellationToken);
                return runs;
            }
            catch (Exception exception)
            {
                memory?.Dispose();
                bool isShortage = MemoryFaults.IsShortage(exception);
                if (isShortage && sizes.Halve(largest) is not null)
                {
                    // Again with less.
                    continue;
                }

                if (isShortage || exception is OnnxRuntimeException)
                {
                    throw new ModelLoadException($"The self-check does not run on {model.Target.Provider}: {OrtMessage.Of(exception)}", exception);
                }

                throw;
            }
        }
    }

    /// <summary>Before the first frame.</summary>
    /// <param name="frames">How many were let in and are not answered.</param>
    public void WatchInside(Func<int> frames) => _parallelism?.Watch(frames);

    /// <summary>After a run that did not fit into memory.</summary>
    /// <returns>The largest batch from now on, or null where it was that small already.</returns>
    public int? Halve(int tooLarge)
    {
        int? largest = Sizes.Halve(tooLarge);
        if (largest is { } rows)
        {
            Slots.Shrink(rows);
        }

        return largest;
    }

    /// <summary>The self-check of a device once more, beside its frames.</summary>
    /// <exception cref="SelfCheckException">It computes something else now.</exception>
    /// <exception cref="OnnxRuntimeException">It does not run.</exception>
    public void CheckAgain() => _check.Run(_memory.CheckSlot!, _memory.CheckPixels!, bucket: 1, row: 0);

    /// <summary>After the last frame.</summary>
    public void Dispose()
    {
        _memory.Dispose();
        Model.Dispose();
    }

    /// <summary>Runs every bucket of every graph, so that no frame meets a run that has still something to build, and measures it.</summary>
    private void WarmUp(ILogger logger, TimeProvider time, CancellationToken cancellationToken)
    {
        var place = Slots.TryReserve()!;
        var slot = Slots.Open(place);
        var pixels = Pixels.TryRent()!;
        try
        {
            foreach (int bucket in Sizes.Buckets)
            {
                foreach (int row in bucket == 1 ? [0] : (int[])[0, bucket - 1])
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    var report = _check.Run(slot, pixels, bucket, row);
                    SelfCheck = report.Distance > SelfCheck.Distance ? report : SelfCheck;
                }

                if (Model.Target.IsDevice)
                {
                    slot.Adaptation.Segment(new RowRange(0, bucket));
                    slot.Adaptation.Differentiate(bucket - 1);
                }

                if (Sizes.Largest > 1)
                {
                    var (encode, segment) = Measure(slot, pixels, bucket, time);
                    EncodePlanner.Record(bucket, encode);
                    SegmentPlanner.Record(bucket, segment);
                }
            }

            if (_parallelism is not null)
            {
                cancellationToken.ThrowIfCancellationRequested();
                Parallelize(_parallelism, slot, pixels, logger, time);
            }
        }
        finally
        {
            Pixels.Return(pixels);
            Slots.Return(place);
        }
    }

    /// <summary>
    /// Lets the runs choose their threads, where that changes nothing but the time: a frame has the same answer whatever else is inside. Products that ONNX Runtime cuts up
    /// by its threads may round otherwise; the graphs that are made here have none such, others may.
    /// </summary>
    private void Parallelize(RunParallelism parallelism, RunSlot slot, TensorBuffer pixels, ILogger logger, TimeProvider time)
    {
        var expected = Execution.SelfCheck.Answers(slot);
        var all = Measure(slot, pixels, bucket: 1, time);
        parallelism.Force(single: true);
        _check.Run(slot, pixels, bucket: 1, row: 0);
        if (!Execution.SelfCheck.Answers(slot).SequenceEqual(expected))
        {
            parallelism.Force(single: false);
            EngineLog.RunsNotSpread(logger, Model.Manifest.Name);
            return;
        }

        var single = Measure(slot, pixels, bucket: 1, time);
        parallelism.Measured((all.Encode, single.Encode), (all.Segment, single.Segment));
        parallelism.Force(null);
    }

    /// <summary>The better of two, both warm.</summary>
    private static (TimeSpan Encode, TimeSpan Segment) Measure(RunSlot slot, TensorBuffer pixels, int bucket, TimeProvider time)
    {
        var (encode, segment) = (TimeSpan.MaxValue, TimeSpan.MaxValue);
        for (int i = 0; i < 2; i++)
        {
            long start = time.GetTimestamp();
            for (int row = 0; bucket > 1 && row < bucket; row++)
            {
                slot.Load(row, pixels);
            }

            if (bucket == 1)
            {
                slot.Encode(pixels);
            }
            else
            {
                slot.Encode(bucket);
            }

            encode = Shorter(encode, time.GetElapsedTime(start));
            start = time.GetTimestamp();
            slot.Segment(new RowRange(0, bucket));
            segment = Shorter(segment, time.GetElapsedTime(start));
        }

        return (encode, segment);
    }

    private static TimeSpan Shorter(TimeSpan one, TimeSpan other) => one < other ? one : other;
}
