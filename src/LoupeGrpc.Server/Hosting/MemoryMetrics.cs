using System.Diagnostics.Metrics;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.Server.Sessions.Adaptation;
using LoupeGrpc.Server.Sessions.Memory;

namespace LoupeGrpc.Server.Hosting;

/// <summary>What of the server's memory is kept for whom, and how much of it may be.</summary>
internal sealed class MemoryMetrics
{
    public MemoryMetrics(IMeterFactory meters, MemoryLedger ledger, AdaptationBudget adaptation, LoupeOptions options)
    {
        var meter = meters.Create(SessionMetrics.MeterName);
        meter.CreateObservableGauge(
            "loupe.memory.receiving", () => ledger.Receiving.Held.Bytes, "By", "Bytes kept for messages that are being received: at most Loupe:Limits:MaxReceivingBytes.");
        meter.CreateObservableGauge(
            "loupe.memory.frames", () => ledger.Frames.Held.Bytes, "By", "Bytes of frames that wait or are analysed: at most Loupe:Limits:MaxBufferedBytes.");
        meter.CreateObservableGauge(
            "loupe.memory.responses", () => ledger.Responses.Held, "By", "Bytes of responses not written yet, or kept to resend: Loupe:Limits:MaxRespondingBytes.");
        meter.CreateObservableGauge(
            "loupe.memory.adaptation", () => adaptation.Used, "By", "Bytes of adaptation states: at most Loupe:Adaptation:MaxStateBytes.");
        meter.CreateObservableGauge(
            "loupe.memory.limit",
            () => (Measurement<long>[])
            [
                Limit(options.Limits.MaxReceivingBytes, "receiving"),
                Limit(options.Limits.MaxBufferedBytes, "frames"),
                Limit(options.Limits.MaxRespondingBytes, "responses"),
                Limit(options.Adaptation.MaxStateBytes, "adaptation"),
                Limit(options.Engine.MaxBytesInPipeline, "engine"),
            ],
            "By",
            "What each kind may take, after Loupe:Limits:MaxMemoryBytes.");
    }

    private static Measurement<long> Limit(long bytes, string kind) => new(bytes, new KeyValuePair<string, object?>("kind", kind));
}
