using System.Collections.Concurrent;
using HdrHistogram;
using LoupeGrpc.V1;

namespace LoupeGrpc.Client.Cli.Benching;

/// <summary>Counts what became of frames and how long that took, for those that were due while it counts. Thread-safe.</summary>
internal sealed class BenchTally
{
    /// <summary>Microseconds; what takes longer counts as so long.</summary>
    private const long Longest = 3_600_000_000;

    private const int Digits = 3;

    private readonly Lock _lock = new();
    private readonly LongHistogram _latency = new(1, Longest, Digits);
    private readonly LongHistogram _age = new(1, Longest, Digits);
    private readonly LongHistogram _lag = new(1, Longest, Digits);
    private readonly double[] _stages = new double[Stages.Count];
    private long _timed;
    private long _results;
    private long _dropped;
    private long _expired;
    private long _failed;
    private long _unsent;
    private long _inTime;
    private double _latencySum;

    /// <summary>Names of a result's timings, in the order of <see cref="Take"/>; the last is the whole.</summary>
    public static IReadOnlyList<string> Stages { get; } = ["queue", "decode", "preprocess", "encode", "segment", "mask", "dual", "adapt", "total"];

    /// <summary>First messages of failures, and how many each stands for.</summary>
    public ConcurrentDictionary<string, int> Failures { get; } = new();

    /// <param name="latency">From when the frame was due.</param>
    /// <param name="inTime">Whether the outcome was there before the end of what is counted.</param>
    public void Take(LoupeOutcome outcome, TimeSpan latency, bool inTime)
    {
        lock (_lock)
        {
            switch (outcome)
            {
                case LoupeResult { Result: var result }:
                    _results++;
                    _inTime += inTime ? 1 : 0;
                    Record(_latency, latency);
                    _latencySum += latency.TotalMilliseconds;
                    if (result.Timings is { } timings)
                    {
                        Add(timings);
                    }

                    break;
                case LoupeDropped dropped:
                    _dropped++;
                    Record(_age, dropped.Age);
                    break;
                case LoupeExpired expired:
                    _expired++;
                    Record(_age, expired.Age);
                    break;
                case LoupeFailed failed:
                    _failed++;
                    Failures.AddOrUpdate($"{failed.Code}: {failed.Message}", 1, static (_, count) => count + 1);
                    break;
            }
        }
    }

    /// <summary>A frame was sent later than it was due.</summary>
    public void Lag(TimeSpan lag)
    {
        lock (_lock)
        {
            Record(_lag, lag);
        }
    }

    /// <summary>A frame was due, and its turn to be sent never came.</summary>
    /// <param name="waited">How long it has waited by the end, which is less than it would have taken.</param>
    public void Unsent(TimeSpan waited)
    {
        lock (_lock)
        {
            _unsent++;
            Record(_latency, waited);
        }
    }

    public BenchFigures ToFigures(BenchPlan plan, TimeSpan length)
    {
        lock (_lock)
        {
            var means = Stages.Select((name, index) => KeyValuePair.Create(name, _timed == 0 ? 0 : _stages[index] / _timed)).ToDictionary();
            return new BenchFigures
            {
                Streams = plan.Streams,
                Window = plan.Window,
                Load = plan.Load,
                Rate = plan.Rate,
                Delivery = plan.Delivery.Mode.ToString(),
                Mask = plan.Mask.ToString(),
                Adapts = plan.Adapts,
                WarmUpSeconds = plan.WarmUp.TotalSeconds,
                Seconds = length.TotalSeconds,
                Pictures = plan.Pictures.Count,
                PictureBytes = (long)plan.Pictures.Average(static picture => picture.Length),
                FramesPerSecond = length > TimeSpan.Zero ? _inTime / length.TotalSeconds : 0,
                Outcomes = new BenchOutcomes { Result = _results, Dropped = _dropped, Expired = _expired, Failed = _failed, Unsent = _unsent },
                LatencyMs = BenchSpread.Of(_latency),
                AgeMs = BenchSpread.Of(_age),
                LagMs = plan.Window is null ? BenchSpread.Of(_lag) : null,
                ServerStageMs = means,
                ExplainedMs = _results == 0 ? null : new BenchExplained
                {
                    Outside = _latencySum / _results,
                    Server = means["total"],
                    Stages = means.Where(static stage => stage.Key != "total").Sum(static stage => stage.Value),
                },
                Curve = BenchSpread.CurveOf(_latency),
            };
        }
    }

    /// <summary>Within the lock.</summary>
    private void Add(StageTimings timings)
    {
        _timed++;
        ReadOnlySpan<float> parts =
        [
            timings.QueueMs, timings.DecodeMs, timings.PreprocessMs, timings.EncodeMs, timings.SegmentMs, timings.MaskMs, timings.DualMs, timings.AdaptMs, timings.TotalMs,
        ];
        for (var part = 0; part < parts.Length; part++)
        {
            _stages[part] += parts[part];
        }

        Record(_age, TimeSpan.FromMilliseconds(timings.TotalMs));
    }

    private static void Record(LongHistogram histogram, TimeSpan time) => histogram.RecordValue(Math.Clamp((long)time.TotalMicroseconds, 1, Longest));
}
