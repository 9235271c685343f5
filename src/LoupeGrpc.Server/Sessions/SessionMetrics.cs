using System.Diagnostics.Metrics;
using LoupeGrpc.Engine;
using LoupeGrpc.Server.Sessions.Frames;
using LoupeGrpc.Server.Sessions.Keeping;

namespace LoupeGrpc.Server.Sessions;

/// <summary>Instruments of the meter <c>LoupeGrpc.Server</c>: what sessions there are, what becomes of their frames, what their adaptation holds.</summary>
internal sealed class SessionMetrics
{
    public const string MeterName = "LoupeGrpc.Server";

    private static readonly (Economies Economy, string Name)[] EconomyNames =
        [(Economies.NoAdaptationStep, "adaptation_step"), (Economies.NoDualVerdict, "dual_verdict"), (Economies.NoMask, "mask")];

    private readonly UpDownCounter<long> _sessions;
    private readonly UpDownCounter<long> _parked;
    private readonly Counter<long> _resumes;
    private readonly Counter<long> _takeovers;
    private readonly Counter<long> _outcomes;
    private readonly UpDownCounter<long> _stateBytes;
    private readonly Counter<long> _evictions;
    private readonly Counter<long> _reliefs;
    private readonly Counter<long> _economies;
    private readonly Counter<long> _records;
    private readonly Counter<long> _restored;

    public SessionMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(MeterName);
        _sessions = meter.CreateUpDownCounter<long>("loupe.sessions", "{session}", "Sessions with a connection now.");
        _parked = meter.CreateUpDownCounter<long>("loupe.sessions.parked", "{session}", "Sessions without a connection that can be resumed.");
        _resumes = meter.CreateCounter<long>("loupe.session.resumes", "{session}", "Sessions that went on with another call.");
        _takeovers = meter.CreateCounter<long>("loupe.session.takeovers", "{session}", "Those of them whose earlier call had not ended yet.");
        _outcomes = meter.CreateCounter<long>("loupe.session.outcomes", "{frame}", "Frames of sessions, by what became of them.");
        _stateBytes = meter.CreateUpDownCounter<long>("loupe.adaptation.state", "By", "Bytes of all adaptation states.");
        _evictions = meter.CreateCounter<long>("loupe.adaptation.evictions", "{state}", "Adaptation states evicted to keep Loupe:Adaptation:MaxStateBytes.");
        _economies = meter.CreateCounter<long>("loupe.economies", "{frame}", "Results of sessions that went without something rather than lose frames, by what.");
        _records = meter.CreateCounter<long>("loupe.session.records", "{record}", "Records of sessions for Loupe:Sessions:Store, by what became of them: held, fenced_out, failed.");
        _restored = meter.CreateCounter<long>("loupe.session.restores", "{session}", "Sessions that went on from the store, by whether something was lost: whole, behind.");
        _reliefs = meter.CreateCounter<long>(
            "loupe.memory.reliefs", "{session}", "Sessions that lost something to keep Loupe:Limits:MaxRespondingBytes, by kind: parked, unread, kept.");
    }

    public void SessionOpened() => _sessions.Add(1);

    public void SessionParked()
    {
        _sessions.Add(-1);
        _parked.Add(1);
    }

    /// <param name="hold">Null: the store did not take it.</param>
    public void RecordWritten(StoreHold? hold) => _records.Add(1, new KeyValuePair<string, object?>("result", hold switch
    {
        StoreHold.Held => "held",
        StoreHold.FencedOut => "fenced_out",
        _ => "failed",
    }));

    /// <param name="behind">Its client had heard more of it than was stored.</param>
    public void SessionRestored(bool behind) => _restored.Add(1, new KeyValuePair<string, object?>("from", behind ? "behind" : "whole"));

    /// <param name="wasParked">Otherwise the session was taken over from a call that had not ended.</param>
    public void SessionResumed(bool wasParked)
    {
        _resumes.Add(1);
        if (wasParked)
        {
            _parked.Add(-1);
            _sessions.Add(1);
        }
        else
        {
            _takeovers.Add(1);
        }
    }

    public void SessionEnded(bool wasParked) => (wasParked ? _parked : _sessions).Add(-1);

    public void AdaptationBytesChanged(long bytes) => _stateBytes.Add(bytes);

    public void AdaptationEvicted() => _evictions.Add(1);

    public void MemoryRelieved(string kind) => _reliefs.Add(1, new KeyValuePair<string, object?>("kind", kind));

    public void FrameDecided(FrameEnd end)
    {
        _outcomes.Add(1, new KeyValuePair<string, object?>("outcome", end switch
        {
            FrameEnd.Analysed => "result",
            FrameEnd.Dropped => "dropped",
            FrameEnd.Expired => "expired",
            _ => "failed",
        }));
        if (end is FrameEnd.Analysed { Analysis.Economies: not Economies.None and var economies })
        {
            foreach (var (economy, name) in EconomyNames.Where(known => economies.HasFlag(known.Economy)))
            {
                _economies.Add(1, new KeyValuePair<string, object?>("economy", name));
            }
        }
    }
}
