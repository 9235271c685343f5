using LoupeGrpc.Engine.Diagnostics;

namespace LoupeGrpc.Engine.Batching;

/// <summary>Measures stages for the frame's answer and for the instruments at once.</summary>
internal sealed class StageClock(TimeProvider time, EngineMetrics metrics)
{
    /// <summary><see cref="TimeProvider.GetTimestamp"/>.</summary>
    public long Now => time.GetTimestamp();

    public TimeSpan Since(long start) => time.GetElapsedTime(start);

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
    public TimeSpan RecordRun(Stage stage, long start, int bucket, int frames)
    {
        var elapsed = Since(start);
        metrics.RecordRun(stage, elapsed, bucket, frames);
        return elapsed;
    }

    /// <returns>The time since <paramref name="start"/>.</returns>
    public TimeSpan Record(Stage stage, long start)
    {
        var elapsed = Since(start);
        Record(stage, elapsed);
        return elapsed;
    }

    public void Record(Stage stage, TimeSpan elapsed) => metrics.RecordStage(stage, elapsed);
}
