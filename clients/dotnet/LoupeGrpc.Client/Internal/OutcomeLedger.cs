using System.Threading.Channels;
using LoupeGrpc.V1;

namespace LoupeGrpc.Client.Internal;

/// <summary>
/// Conservation on the client's side: every frame that entered leaves exactly once, with the server's outcome, a local one, or the
/// reason why the session ended. Thread-safe. Unbounded by itself: the session's credits bound what is in it.
/// </summary>
/// <param name="ordered">Outcomes leave in the order in which their frames entered.</param>
internal sealed class OutcomeLedger(bool ordered)
{
    private readonly Lock _gate = new();
    private readonly Queue<Entry> _inOrder = new();
    private readonly Dictionary<ulong, Entry> _sent = [];
    private readonly Channel<LoupeOutcome> _outcomes = Channel.CreateUnbounded<LoupeOutcome>(new() { SingleWriter = false, SingleReader = false });
    private ulong _nextSequence;
    private long _nextIndex;
    private bool _closed;

    /// <summary>Whether no frame waits for the server.</summary>
    public bool IsIdle
    {
        get
        {
            lock (_gate)
            {
                return _sent.Count == 0;
            }
        }
    }

    /// <summary>Completed once the ledger is closed and every outcome was taken.</summary>
    public ChannelReader<LoupeOutcome> Outcomes => _outcomes.Reader;

    /// <summary>Enters a frame that is about to be sent. Call it in the order of sending.</summary>
    /// <param name="sequence">The server's number of the frame.</param>
    /// <returns>False when the ledger is closed: the frame did not enter.</returns>
    public bool TryEnter(ulong frameId, out ulong sequence)
    {
        lock (_gate)
        {
            sequence = _nextSequence;
            if (_closed)
            {
                return false;
            }

            _sent.Add(sequence, Enter(frameId, sequence));
            _nextSequence++;
            return true;
        }
    }

    /// <summary>Enters a frame that will not be sent, with its outcome.</summary>
    /// <returns>False when the ledger is closed: the frame did not enter.</returns>
    public bool TryEnterFailed(ulong frameId, LoupeFailureCode code, string message)
    {
        lock (_gate)
        {
            if (_closed)
            {
                return false;
            }

            var entry = Enter(frameId, null);
            Settle(entry, Failed(entry, code, message));
            return true;
        }
    }

    /// <summary>Gives a frame the outcome that the server answered.</summary>
    /// <returns>False when no frame with its sequence number waits for one.</returns>
    public bool TrySettle(FrameOutcome answer)
    {
        lock (_gate)
        {
            if (_closed || !_sent.Remove(answer.Sequence, out var entry))
            {
                return false;
            }

            Settle(entry, ToOutcome(entry, answer));
            return true;
        }
    }

    /// <summary>Ends a frame that never reached the server; those sent after it, which did not either, take its number and the next ones.</summary>
    /// <param name="sequence">Of a frame that waits.</param>
    public void Withdraw(ulong sequence, LoupeFailureCode code, string message)
    {
        lock (_gate)
        {
            if (_closed || !_sent.Remove(sequence, out var entry))
            {
                return;
            }

            entry.Sequence = null;
            Settle(entry, Failed(entry, code, message));
            for (_nextSequence--; sequence < _nextSequence; sequence++)
            {
                _sent.Remove(sequence + 1, out var next);
                next!.Sequence = sequence;
                _sent.Add(sequence, next);
            }
        }
    }

    /// <summary>Ends every frame that still waits and lets no other in. Calls after the first do nothing.</summary>
    public void Close(LoupeFailureCode code, string message)
    {
        lock (_gate)
        {
            if (_closed)
            {
                return;
            }

            foreach (var entry in _sent.Values.OrderBy(entry => entry.Index))
            {
                Settle(entry, Failed(entry, code, message));
            }

            _sent.Clear();
            _closed = true;
            _outcomes.Writer.Complete();
        }
    }

    private Entry Enter(ulong frameId, ulong? sequence)
    {
        var entry = new Entry(_nextIndex++, frameId, sequence);
        if (ordered)
        {
            _inOrder.Enqueue(entry);
        }

        return entry;
    }

    private void Settle(Entry entry, LoupeOutcome outcome)
    {
        if (!ordered)
        {
            _outcomes.Writer.TryWrite(outcome);
            return;
        }

        entry.Outcome = outcome;
        while (_inOrder.TryPeek(out var head) && head.Outcome is { } ready)
        {
            _inOrder.Dequeue();
            _outcomes.Writer.TryWrite(ready);
        }
    }

    private static LoupeFailed Failed(Entry entry, LoupeFailureCode code, string message) =>
        new() { FrameId = entry.FrameId, Index = entry.Index, Sequence = entry.Sequence, Code = code, Message = message };

    private static LoupeOutcome ToOutcome(Entry entry, FrameOutcome answer) => answer.OutcomeCase switch
    {
        FrameOutcome.OutcomeOneofCase.Result => new LoupeResult
        {
            FrameId = entry.FrameId,
            Index = entry.Index,
            Sequence = entry.Sequence,
            Result = answer.Result,
        },
        FrameOutcome.OutcomeOneofCase.Dropped => new LoupeDropped
        {
            FrameId = entry.FrameId,
            Index = entry.Index,
            Sequence = entry.Sequence,
            Reason = answer.Dropped.Reason,
            Age = WireDurations.Read(answer.Dropped.Age),
        },
        FrameOutcome.OutcomeOneofCase.Expired => new LoupeExpired
        {
            FrameId = entry.FrameId,
            Index = entry.Index,
            Sequence = entry.Sequence,
            Age = WireDurations.Read(answer.Expired.Age),
            Deadline = WireDurations.Read(answer.Expired.Deadline),
        },
        FrameOutcome.OutcomeOneofCase.Failed => Failed(entry, RpcErrors.ToCode(answer.Failed.Code), answer.Failed.Message),
        _ => Failed(entry, LoupeFailureCode.Internal, "the server answered with a kind of outcome that this client does not know"),
    };

    private sealed class Entry(long index, ulong frameId, ulong? sequence)
    {
        public long Index { get; } = index;

        public ulong FrameId { get; } = frameId;

        public ulong? Sequence { get; set; } = sequence;

        /// <summary>Set while an earlier frame still waits for its own.</summary>
        public LoupeOutcome? Outcome { get; set; }
    }
}
