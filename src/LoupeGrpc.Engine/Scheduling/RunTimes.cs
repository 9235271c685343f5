using LoupeGrpc.Engine.Adaptation;

namespace LoupeGrpc.Engine.Scheduling;

/// <summary>How long the runs of one graph take, by bucket: the median of the last ones. Thread-safe.</summary>
internal sealed class RunTimes
{
    private const int Window = 15;

    private readonly Lock _lock = new();
    private readonly Dictionary<int, RunningMedian> _seconds = [];

    public void Record(int bucket, TimeSpan elapsed)
    {
        lock (_lock)
        {
            if (!_seconds.TryGetValue(bucket, out var median))
            {
                _seconds.Add(bucket, median = new RunningMedian(Window));
            }

            median.Add((float)elapsed.TotalSeconds);
        }
    }

    /// <returns>Seconds. A bucket that never ran counts as its frames one after the other: nothing is expected of it.</returns>
    public double Of(int bucket)
    {
        lock (_lock)
        {
            return _seconds.TryGetValue(bucket, out var median) ? median.Median()
                : bucket > 1 && _seconds.TryGetValue(1, out var single) ? bucket * single.Median()
                : bucket;
        }
    }
}
