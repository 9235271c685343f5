using LoupeGrpc.Engine.Diagnostics;

namespace LoupeGrpc.Engine.Pipeline;

/// <summary>Measures stages for the frame's answer and for the instruments at once.</summary>
internal sealed class StageClock(TimeProvider time, EngineMetrics metrics)
{
    /// <summary><see cref="TimeProvider.GetTimestamp"/>.</summary>
    public long Now => time.GetTimestamp();

    public TimeSpan Since(long start) => time.GetElapsedTime(start);

    public TimeSpan Between(long start, long end) => time.GetElapsedTime(start, end);

    /// <summary>A decoded frame came to its run.</summary>
    /// <returns>How long it waited.</returns>
    public TimeSpan RecordBatchWait(long queuedAt, long start)
    {
        var elapsed = time.GetElapsedTime(queuedAt, start);
        metrics.RecordBatchWait(elapsed);
        return elapsed;
    }

    /// <summary>Measures a run of several frames.</summary>
    /// <param name="bucket">Frames it had room for.</param>
    /// <param name="frames">Frames it had.</param>
    /// <returns>The time since <paramref name="start"/>.</returns>
    public TimeSpan RecordRun(TimedWork work, long start, int bucket, int frames)
    {
        var elapsed = Since(start);
        metrics.RecordRun(work, elapsed, bucket, frames);
        return elapsed;
    }

    /// <returns>The time since <paramref name="start"/>.</returns>
    public TimeSpan Record(TimedWork work, long start)
    {
        var elapsed = Since(start);
        Record(work, elapsed);
        return elapsed;
    }

    public void Record(TimedWork work, TimeSpan elapsed) => metrics.RecordStage(work, elapsed);
}
