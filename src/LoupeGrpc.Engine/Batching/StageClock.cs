using LoupeGrpc.Engine.Diagnostics;

namespace LoupeGrpc.Engine.Batching;

/// <summary>Measures stages for the frame's answer and for the instruments at once.</summary>
internal sealed class StageClock(TimeProvider time, EngineMetrics metrics)
{
    /// <summary><see cref="TimeProvider.GetTimestamp"/>.</summary>
    public long Now => time.GetTimestamp();

    public TimeSpan Since(long start) => time.GetElapsedTime(start);

    /// <returns>The time since <paramref name="start"/>.</returns>
    public TimeSpan Record(Stage stage, long start)
    {
        var elapsed = Since(start);
        Record(stage, elapsed);
        return elapsed;
    }

    public void Record(Stage stage, TimeSpan elapsed) => metrics.RecordStage(stage, elapsed);
}
