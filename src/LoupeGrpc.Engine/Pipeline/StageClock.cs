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
    /// <param name="run">Frames it had.</param>
    /// <returns>The time since <paramref name="start"/>.</returns>
    public TimeSpan RecordRun(TimedWork work, long start, int bucket, List<FrameJob> run)
    {
        var elapsed = Since(start);
        metrics.RecordRun(work, elapsed, bucket, run.Count);
        if (run.Exists(static job => job.Request.Span is not null))
        {
            FrameSpan.Run(EngineMetrics.NameOf(work), elapsed, [.. run.Select(static job => job.Request.Span).OfType<FrameSpan>()], bucket, run.Count);
        }

        return elapsed;
    }

    /// <returns>The time since <paramref name="start"/>.</returns>
    public TimeSpan Record(FrameJob job, TimedWork work, long start)
    {
        var elapsed = Since(start);
        Record(job, work, elapsed);
        return elapsed;
    }

    public void Record(FrameJob job, TimedWork work, TimeSpan elapsed)
    {
        using var span = job.Request.Span?.Stage(EngineMetrics.NameOf(work), elapsed);
        metrics.RecordStage(work, elapsed);
    }
}
