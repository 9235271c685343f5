using System.Diagnostics;
using LoupeGrpc.Client;

namespace LoupeGrpc.Benchmarks;

/// <summary>Of one session. Sent and read on two threads.</summary>
internal sealed class LoadTally(long from)
{
    private readonly Queue<(ulong Id, long At)> _sent = [];
    private volatile bool _stopped;

    /// <summary>Milliseconds from sending to each result.</summary>
    public List<double> Ages { get; } = [];

    public int Dropped { get; private set; }

    public int Failed { get; private set; }

    /// <summary>What comes from now on is cut off by the end of the run.</summary>
    public void Stop() => _stopped = true;

    public void Sent(ulong id)
    {
        lock (_sent)
        {
            _sent.Enqueue((id, Stopwatch.GetTimestamp()));
        }
    }

    public void Add(LoupeOutcome outcome)
    {
        long at;
        lock (_sent)
        {
            while (_sent.Peek().Id != outcome.FrameId)
            {
                _sent.Dequeue();
            }

            at = _sent.Dequeue().At;
        }

        if (_stopped || Stopwatch.GetTimestamp() < from)
        {
            return;
        }

        switch (outcome)
        {
            case LoupeResult:
                Ages.Add(Stopwatch.GetElapsedTime(at).TotalMilliseconds);
                break;
            case LoupeDropped or LoupeExpired:
                Dropped++;
                break;
            default:
                Failed++;
                break;
        }
    }
}
