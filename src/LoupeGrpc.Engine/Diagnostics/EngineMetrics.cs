using System.Diagnostics.Metrics;
using LoupeGrpc.Engine.Adaptation;

namespace LoupeGrpc.Engine.Diagnostics;

/// <summary>Work of the pipeline that is timed by itself.</summary>
internal enum TimedWork
{
    Decode,
    Preprocess,
    Encode,
    Segment,
    Mask,
    Dual,
    Adapt,
}

/// <summary>The engine's instruments. Durations are in seconds.</summary>
internal sealed class EngineMetrics : IDisposable
{
    public const string MeterName = "LoupeGrpc.Engine";

    // From a cache hit to a large model on few cores.
    private static readonly double[] Boundaries = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

    private static readonly string[] WorkNames = ["decode", "preprocess", "encode", "segment", "mask", "dual", "adapt"];
    private static readonly string[] FailureNames = Array.ConvertAll(Enum.GetNames<FailureKind>(), static name => name.ToLowerInvariant());

    private static readonly Dictionary<GuardReason, string> ReasonNames = new()
    {
        [GuardReason.Drift] = "drift",
        [GuardReason.Disagreement] = "disagreement",
        [GuardReason.Loss] = "loss",
        [GuardReason.NotFinite] = "not_finite",
        [GuardReason.StepFailed] = "step_failed",
    };

    private readonly Meter _meter;
    private readonly bool _ownsMeter;
    private readonly Histogram<double> _queueDuration;
    private readonly Histogram<double> _stageDuration;
    private readonly Histogram<double> _runDuration;
    private readonly Histogram<int> _batchSize;
    private readonly Histogram<double> _batchWait;
    private readonly Counter<long> _frames;
    private readonly UpDownCounter<long> _inFlight;
    private readonly Counter<long> _adaptationSteps;
    private readonly Counter<long> _guardEvents;

    /// <param name="meters">Null: a meter of its own.</param>
    public EngineMetrics(IMeterFactory? meters)
    {
        // A factory keeps one meter a name, for the lifetime of its container.
        _ownsMeter = meters is null;
        _meter = meters is null ? new Meter(MeterName) : meters.Create(MeterName);
        var advice = new InstrumentAdvice<double> { HistogramBucketBoundaries = Boundaries };
        _queueDuration = _meter.CreateHistogram("loupe.queue.duration", "s", "Time a frame waited between stages, all together.", tags: null, advice);
        _stageDuration = _meter.CreateHistogram("loupe.stage.duration", "s", "Time a stage worked on a frame.", tags: null, advice);
        _runDuration = _meter.CreateHistogram("loupe.run.duration", "s", "Time of one run of a graph, by graph and by the frames it has room for.", tags: null, advice);
        _batchSize = _meter.CreateHistogram(
            "loupe.batch.size",
            "{frame}",
            "Frames in one run of a graph.",
            tags: null,
            new InstrumentAdvice<int> { HistogramBucketBoundaries = [1, 2, 3, 4, 6, 8, 12, 16, 32] });
        _batchWait = _meter.CreateHistogram("loupe.batch.wait.duration", "s", "Time a decoded frame waited for its run.", tags: null, advice);
        _frames = _meter.CreateCounter<long>("loupe.frames", "{frame}", "Frames answered, by outcome.");
        _inFlight = _meter.CreateUpDownCounter<long>("loupe.frames.in_flight", "{frame}", "Frames without an answer yet.");
        _adaptationSteps = _meter.CreateCounter<long>("loupe.adaptation.steps", "{step}", "Optimiser steps of all sessions that were kept.");
        _guardEvents = _meter.CreateCounter<long>("loupe.adaptation.guard_events", "{event}", "What the guards of sessions did, and why.");
    }

    public static string NameOf(TimedWork work) => WorkNames[(int)work];

    public void RecordStage(TimedWork work, TimeSpan elapsed)
    {
        if (_stageDuration.Enabled)
        {
            _stageDuration.Record(elapsed.TotalSeconds, new KeyValuePair<string, object?>("stage", NameOf(work)));
        }
    }

    /// <param name="work">Whose graph ran.</param>
    /// <param name="bucket">Frames the run had room for.</param>
    /// <param name="frames">Frames it had.</param>
    public void RecordRun(TimedWork work, TimeSpan elapsed, int bucket, int frames)
    {
        var graph = new KeyValuePair<string, object?>("stage", NameOf(work));
        if (_runDuration.Enabled)
        {
            _runDuration.Record(elapsed.TotalSeconds, graph, new KeyValuePair<string, object?>("bucket", bucket));
        }

        _batchSize.Record(frames, graph);
    }

    public void RecordBatchWait(TimeSpan elapsed) => _batchWait.Record(elapsed.TotalSeconds);

    /// <param name="kept">Steps by which the state is further; 0 or less where the step was not taken or taken back.</param>
    public void AdaptationStepped(long kept) => _adaptationSteps.Add(Math.Max(0, kept));

    public void GuardActed(GuardEvent guard) => _guardEvents.Add(
        1,
        new KeyValuePair<string, object?>("action", guard.Action == GuardAction.Freeze ? "freeze" : "roll_back"),
        new KeyValuePair<string, object?>("reason", ReasonNames[guard.Reason]));

    public void FrameArrived() => _inFlight.Add(1);

    public void FrameAnswered(AnalysisOutcome outcome)
    {
        _inFlight.Add(-1);
        string name = outcome.Succeeded ? "analyzed" : FailureNames[(int)outcome.Failure.Kind];
        _frames.Add(1, new KeyValuePair<string, object?>("outcome", name));
        if (outcome.Succeeded)
        {
            _queueDuration.Record(outcome.Analysis.Timings.Queue.TotalSeconds);
        }
    }

    public void Dispose()
    {
        if (_ownsMeter)
        {
            _meter.Dispose();
        }
    }
}
