using System.Diagnostics.Metrics;
using LoupeGrpc.V1;

namespace LoupeGrpc.Server.Streaming;

/// <summary>Instruments of the meter <c>LoupeGrpc.Server</c>: what sessions are open and what becomes of their frames.</summary>
internal sealed class SessionMetrics
{
    public const string MeterName = "LoupeGrpc.Server";

    private readonly UpDownCounter<long> _sessions;
    private readonly Counter<long> _outcomes;

    public SessionMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(MeterName);
        _sessions = meter.CreateUpDownCounter<long>("loupe.sessions", "{session}", "Sessions open now.");
        _outcomes = meter.CreateCounter<long>("loupe.session.outcomes", "{frame}", "Frames of sessions, by what became of them.");
    }

    public void SessionOpened() => _sessions.Add(1);

    public void SessionEnded() => _sessions.Add(-1);

    public void FrameDecided(FrameOutcome outcome) => _outcomes.Add(1, new KeyValuePair<string, object?>("outcome", outcome.OutcomeCase switch
    {
        FrameOutcome.OutcomeOneofCase.Result => "result",
        FrameOutcome.OutcomeOneofCase.Dropped => "dropped",
        FrameOutcome.OutcomeOneofCase.Expired => "expired",
        _ => "failed",
    }));
}
