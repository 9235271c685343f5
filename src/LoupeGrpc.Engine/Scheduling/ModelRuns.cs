using LoupeGrpc.Engine.Diagnostics;
using LoupeGrpc.Engine.Execution;
using LoupeGrpc.Packaging;
using Microsoft.Extensions.Logging;
using Microsoft.ML.OnnxRuntime;

namespace LoupeGrpc.Engine.Scheduling;

/// <summary>A loaded model, proven and warm, with the memory that its frames run in and the plan of their runs.</summary>
internal sealed class ModelRuns : IDisposable
{
    private readonly SelfCheck _check;
    private readonly RunMemory _memory;

    private ModelRuns(LoupeModel model, SelfCheck check, BatchSizes sizes, int concurrentRuns, RunMemory memory, RunWatchdog watchdog)
    {
        Model = model;
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
        var model = LoupeModel.Load(package, target, options.EffectiveIntraOpThreads);
        try
        {
            var watchdog = new RunWatchdog(options.RunTimeoutFactor, options.MinRunTimeout, time);
            model.WatchRuns(watchdog.Watch);
            var check = Execution.SelfCheck.Read(model, package);
            var sizes = new BatchSizes(target.Buckets);
            var runs = Start(model, check, sizes, options, watchdog, time, cancellationToken);
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
        LoupeModel model, SelfCheck check, BatchSizes sizes, EngineOptions options, RunWatchdog watchdog, TimeProvider time, CancellationToken cancellationToken)
    {
        int concurrentRuns = model.Target.IsDevice ? 1 : options.EffectiveConcurrentRuns;
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int largest = sizes.Largest;
            RunMemory? memory = null;
            try
            {
                memory = RunMemory.Allocate(model, largest, concurrentRuns, options.EffectiveDecodeWorkers);
                var runs = new ModelRuns(model, check, sizes, concurrentRuns, memory, watchdog);
                runs.WarmUp(time, cancellationToken);
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

    /// <summary>Lets those go who wait for memory.</summary>
    public void Close()
    {
        Slots.Close();
        Pixels.Close();
    }

    /// <summary>After the last frame.</summary>
    public void Dispose()
    {
        _memory.Dispose();
        Model.Dispose();
    }

    /// <summary>Runs every bucket of every graph, so that no frame meets a run that has still something to build, and measures it.</summary>
    private void WarmUp(TimeProvider time, CancellationToken cancellationToken)
    {
        var place = Slots.Reserve()!;
        var slot = Slots.Open(place);
        var pixels = Pixels.Rent()!;
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
                    Measure(slot, pixels, bucket, time);
                }
            }
        }
        finally
        {
            Pixels.Return(pixels);
            Slots.Return(place);
        }
    }

    /// <summary>The better of two, both warm.</summary>
    private void Measure(RunSlot slot, TensorBuffer pixels, int bucket, TimeProvider time)
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

        EncodePlanner.Record(bucket, encode);
        SegmentPlanner.Record(bucket, segment);
    }

    private static TimeSpan Shorter(TimeSpan one, TimeSpan other) => one < other ? one : other;
}
