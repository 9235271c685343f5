using LoupeGrpc.Engine.Diagnostics;
using LoupeGrpc.Engine.Execution;
using LoupeGrpc.Packaging;
using Microsoft.Extensions.Logging;
using Microsoft.ML.OnnxRuntime;

namespace LoupeGrpc.Engine.Batching;

/// <summary>A loaded model, proven and warm, with the memory that its frames run in and the plan of their runs.</summary>
internal sealed class ModelRuns : IDisposable
{
    private readonly SelfCheck _check;
    private readonly TensorBuffer? _checkPixels;
    private readonly RunSlot? _checkSlot;

    /// <exception cref="OnnxRuntimeException">Not enough memory for the largest batch, or a graph does not run.</exception>
    private ModelRuns(LoupeModel model, SelfCheck check, BatchSizes sizes, EngineOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        Model = model;
        Sizes = sizes;
        _check = check;
        ConcurrentRuns = model.Target.IsDevice ? 1 : options.EffectiveConcurrentRuns;
        int decoders = options.EffectiveDecodeWorkers;
        int largest = sizes.Largest;

        // Of pixels, one batch is read, one is ready behind it, and each decoder fills one more. Of slots, each graph has one and there is one between
        // them; the rest are being read.
        int pixels = (2 * largest * ConcurrentRuns) + decoders;
        int slots = (4 * ConcurrentRuns) + (((2 * decoders) + largest - 1) / largest);
        var encodeTimes = new RunTimes();
        var segmentTimes = new RunTimes();
        EncodePlanner = new BatchPlanner(sizes, encodeTimes);
        SegmentPlanner = new BatchPlanner(sizes, segmentTimes);
        try
        {
            Slots = new RunSlotPool(model, slots, largest);
            Pixels = new PixelPool(model, pixels);
            if (model.Target.IsDevice)
            {
                _checkPixels = model.CreatePixels();
                _checkSlot = new RunSlot(model, rows: 1);
            }

            SelfCheck = WarmUp(encodeTimes, segmentTimes, time, cancellationToken);
        }
        catch
        {
            FreeMemory();
            throw;
        }
    }

    public LoupeModel Model { get; }

    public BatchSizes Sizes { get; }

    public RunSlotPool Slots { get; }

    public PixelPool Pixels { get; }

    public BatchPlanner EncodePlanner { get; }

    public BatchPlanner SegmentPlanner { get; }

    /// <summary>Runs of each graph at a time.</summary>
    public int ConcurrentRuns { get; }

    /// <summary>The worst of all buckets.</summary>
    public SelfCheckReport SelfCheck { get; }

    /// <summary>Loads the graphs, runs each of them in every bucket and compares with what the package has recorded.</summary>
    /// <exception cref="SelfCheckException">The target computes something else.</exception>
    /// <exception cref="ModelLoadException">The package cannot be run on the target.</exception>
    public static ModelRuns Start(
        ModelPackage package, EngineOptions options, ExecutionTarget target, ILogger logger, TimeProvider time, CancellationToken cancellationToken)
    {
        var model = LoupeModel.Load(package, target, options.EffectiveIntraOpThreads);
        try
        {
            var check = Execution.SelfCheck.Read(model, package);
            var sizes = new BatchSizes(target.Buckets);
            var runs = Create(model, check, sizes, options, time, cancellationToken);
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
    private static ModelRuns Create(
        LoupeModel model, SelfCheck check, BatchSizes sizes, EngineOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int largest = sizes.Largest;
            try
            {
                return new ModelRuns(model, check, sizes, options, time, cancellationToken);
            }
            catch (OnnxRuntimeException exception) when (DeviceFaults.IsOutOfMemory(exception.Message) && sizes.Halve(largest) is not null)
            {
                // Again with less.
            }
            catch (OnnxRuntimeException exception)
            {
                throw new ModelLoadException($"The self-check does not run on {model.Target.Provider}: {OrtMessage.Of(exception)}", exception);
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
    public void CheckAgain() => _check.Run(_checkSlot!, _checkPixels!, bucket: 1, row: 0);

    /// <summary>After the last frame.</summary>
    public void Dispose()
    {
        FreeMemory();
        Model.Dispose();
    }

    /// <summary>Every bucket of every graph once, so that no frame meets a run that has still something to build, and its time.</summary>
    private SelfCheckReport WarmUp(RunTimes encodeTimes, RunTimes segmentTimes, TimeProvider time, CancellationToken cancellationToken)
    {
        Slots.Reserve();
        var slot = Slots.Open();
        var pixels = Pixels.Rent();
        try
        {
            SelfCheckReport? worst = null;
            foreach (int bucket in Sizes.Buckets)
            {
                foreach (int row in bucket == 1 ? [0] : (int[])[0, bucket - 1])
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    var report = _check.Run(slot, pixels, bucket, row);
                    worst = worst is null || report.Distance > worst.Distance ? report : worst;
                }

                if (Model.Target.IsDevice)
                {
                    slot.Adaptation.Segment(new RowRange(0, bucket));
                    slot.Adaptation.Differentiate(bucket - 1);
                }

                if (Sizes.Largest > 1)
                {
                    Measure(slot, pixels, bucket, encodeTimes, segmentTimes, time);
                }
            }

            return worst!;
        }
        finally
        {
            Pixels.Return(pixels);
            Slots.Return(slot);
        }
    }

    /// <summary>The better of two, both warm.</summary>
    private static void Measure(RunSlot slot, TensorBuffer pixels, int bucket, RunTimes encodeTimes, RunTimes segmentTimes, TimeProvider time)
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

        encodeTimes.Record(bucket, encode);
        segmentTimes.Record(bucket, segment);
    }

    private static TimeSpan Shorter(TimeSpan one, TimeSpan other) => one < other ? one : other;

    private void FreeMemory()
    {
        Slots?.Dispose();
        _checkSlot?.Dispose();
        Pixels?.Dispose();
        _checkPixels?.Dispose();
    }
}
