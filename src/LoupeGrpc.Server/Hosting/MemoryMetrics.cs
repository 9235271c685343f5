using System.Diagnostics.Metrics;
using LoupeGrpc.Server.Sessions;

namespace LoupeGrpc.Server.Hosting;

/// <summary>What of the server's memory is kept for whom.</summary>
internal sealed class MemoryMetrics
{
    public MemoryMetrics(IMeterFactory meters, MessageRoom messages, ServerBytes frames)
    {
        var meter = meters.Create(SessionMetrics.MeterName);
        meter.CreateObservableGauge("loupe.memory.receiving", () => messages.Held, "By", "Bytes kept for messages that are being received: at most Loupe:Limits:MaxReceivingBytes.");
        meter.CreateObservableGauge("loupe.memory.frames", () => frames.Budget.Held, "By", "Bytes of frames that wait or are analysed: at most Loupe:Limits:MaxBufferedBytes.");
    }
}
