using System.Diagnostics.Metrics;

namespace LoupeGrpc.Server.Sessions.Frames;

/// <summary>Where frames wait for the engine. What the engine itself measures begins behind that, and is bounded by how many it lets in.</summary>
internal sealed class QueueMetrics
{
    public QueueMetrics(IMeterFactory meters, FrameScheduler scheduler) => meters.Create(SessionMetrics.MeterName).CreateObservableGauge(
        "loupe.queue.age", () => scheduler.OldestWait.TotalSeconds, "s", "How long the frame has waited for the engine that has waited longest; 0: none waits.");
}
