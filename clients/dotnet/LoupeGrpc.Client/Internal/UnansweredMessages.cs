using System.Buffers;
using LoupeGrpc.V1;

namespace LoupeGrpc.Client.Internal;

/// <summary>
/// What a session sent and has no answer to, in the order of sending: a connection that breaks may have swallowed it. Holds copies of frames, for
/// their senders may use theirs again. Bounded by what may be in flight. Thread-safe.
/// </summary>
internal sealed class UnansweredMessages
{
    private readonly Lock _gate = new();
    private readonly LinkedList<Entry> _order = [];
    private readonly Dictionary<ulong, LinkedListNode<Entry>> _frames = [];
    private readonly Dictionary<ulong, LinkedListNode<Entry>> _controls = [];
    private TaskCompletionSource? _empty;
    private ulong _nextFrame;
    private ulong _lastControl;

    /// <returns>The frame as message, with bytes of its own.</returns>
    /// <param name="sequence">The server's number of it.</param>
    public AnalyzeRequest AddFrame(ulong sequence, LoupeFrame frame)
    {
        var copy = ArrayPool<byte>.Shared.Rent(frame.Data.Length);
        frame.Data.CopyTo(copy);
        var message = new AnalyzeRequest { Frame = frame.ToMessage(copy.AsMemory(0, frame.Data.Length)) };
        lock (_gate)
        {
            _frames.Add(sequence, _order.AddLast(new Entry(message, sequence, copy)));
            _nextFrame = sequence + 1;
        }

        return message;
    }

    /// <param name="number">How many controls were sent before it, plus one.</param>
    public void AddControl(ulong number, AnalyzeRequest message)
    {
        lock (_gate)
        {
            _controls.Add(number, _order.AddLast(new Entry(message, number, null)));
            _lastControl = number;
        }
    }

    /// <summary>Done when everything that was added so far, and until then, has its answer.</summary>
    public Task WhenEmpty()
    {
        lock (_gate)
        {
            _empty ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            SignalIfEmpty();
            return _empty.Task;
        }
    }

    /// <summary>Unknown numbers do nothing.</summary>
    public void RemoveFrame(ulong sequence) => Remove(_frames, sequence);

    /// <inheritdoc cref="RemoveFrame"/>
    public void RemoveControl(ulong number) => Remove(_controls, number);

    /// <summary>Forgets a frame that never arrived; those behind it, which did not either, take its number and the next ones.</summary>
    public void Withdraw(ulong sequence)
    {
        lock (_gate)
        {
            Remove(_frames, sequence);
            _nextFrame--;
            while (_frames.Remove(sequence + 1, out var next))
            {
                next.Value = next.Value with { Number = sequence };
                _frames.Add(sequence++, next);
            }
        }
    }

    /// <summary>The first frame without an outcome, and how many controls have their reply: the next, and all, where nothing waits.</summary>
    public (ulong Frames, ulong Controls) Answered()
    {
        lock (_gate)
        {
            return (_frames.Keys.DefaultIfEmpty(_nextFrame).Min(), _controls.Keys.DefaultIfEmpty(_lastControl + 1).Min() - 1);
        }
    }

    /// <summary>What never arrived, in the order of sending.</summary>
    /// <param name="nextSequence">The first frame that did not.</param>
    /// <param name="controlsReceived">Controls that did.</param>
    public IReadOnlyList<AnalyzeRequest> Missing(ulong nextSequence, ulong controlsReceived)
    {
        lock (_gate)
        {
            return
            [
                .. _order
                    .Where(entry => entry.IsFrame ? entry.Number >= nextSequence : entry.Number > controlsReceived)
                    .Select(entry => entry.Message),
            ];
        }
    }

    private void Remove(Dictionary<ulong, LinkedListNode<Entry>> from, ulong number)
    {
        lock (_gate)
        {
            if (from.Remove(number, out var node))
            {
                _order.Remove(node);
                SignalIfEmpty();
                if (node.Value.Copy is { } copy)
                {
                    ArrayPool<byte>.Shared.Return(copy);
                }
            }
        }
    }

    private void SignalIfEmpty()
    {
        if (_order.Count == 0)
        {
            _empty?.TrySetResult();
        }
    }

    private sealed record Entry(AnalyzeRequest Message, ulong Number, byte[]? Copy)
    {
        public bool IsFrame => Copy is not null;
    }
}
