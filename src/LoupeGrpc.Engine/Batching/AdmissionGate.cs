namespace LoupeGrpc.Engine.Batching;

internal enum Admission
{
    Entered,

    /// <summary>Too many wait already.</summary>
    Full,

    Canceled,

    /// <summary>The gate takes nobody any more.</summary>
    Closed,
}

/// <summary>
/// Counts what is inside the pipeline, in frames and in bytes, and lets callers wait in the order they came. Thread-safe.
/// A frame larger than the whole byte budget enters when nothing else is inside.
/// </summary>
internal sealed class AdmissionGate(int maxFrames, long maxBytes, int maxWaiting)
{
    private readonly Lock _lock = new();
    private readonly LinkedList<Waiter> _waiting = [];
    private readonly TaskCompletionSource _empty = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _frames;
    private long _bytes;
    private bool _closed;

    public ValueTask<Admission> EnterAsync(long bytes, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return new(Admission.Canceled);
        }

        Waiter waiter;
        lock (_lock)
        {
            if (_closed)
            {
                return new(Admission.Closed);
            }

            if (_waiting.Count == 0 && HasRoom(bytes))
            {
                Take(bytes);
                return new(Admission.Entered);
            }

            if (_waiting.Count >= maxWaiting)
            {
                return new(Admission.Full);
            }

            waiter = new Waiter(bytes);
            waiter.Node = _waiting.AddLast(waiter);
        }

        return WaitAsync(waiter, cancellationToken);
    }

    public void Leave(long bytes)
    {
        lock (_lock)
        {
            _frames--;
            _bytes -= bytes;
            while (_waiting.First is { } first && HasRoom(first.Value.Bytes))
            {
                Take(first.Value.Bytes);
                Release(first.Value, Admission.Entered);
            }

            SignalIfEmpty();
        }
    }

    /// <summary>Refuses those who wait and those who come. The task ends when the last frame has left.</summary>
    public Task CloseAsync()
    {
        lock (_lock)
        {
            _closed = true;
            while (_waiting.First is { } first)
            {
                Release(first.Value, Admission.Closed);
            }

            SignalIfEmpty();
        }

        return _empty.Task;
    }

    private async ValueTask<Admission> WaitAsync(Waiter waiter, CancellationToken cancellationToken)
    {
        using (cancellationToken.UnsafeRegister(
            static state =>
            {
                var (gate, waiter) = ((AdmissionGate, Waiter))state!;
                gate.GiveUp(waiter);
            },
            (this, waiter)))
        {
            return await waiter.Task.ConfigureAwait(false);
        }
    }

    private void GiveUp(Waiter waiter)
    {
        lock (_lock)
        {
            // Unless its turn came first.
            if (waiter.Node is not null)
            {
                Release(waiter, Admission.Canceled);
            }
        }
    }

    private bool HasRoom(long bytes) => _frames == 0 || (_frames < maxFrames && _bytes + bytes <= maxBytes);

    private void Take(long bytes)
    {
        _frames++;
        _bytes += bytes;
    }

    private void Release(Waiter waiter, Admission result)
    {
        _waiting.Remove(waiter.Node!);
        waiter.Node = null;
        waiter.SetResult(result);
    }

    private void SignalIfEmpty()
    {
        if (_closed && _frames == 0)
        {
            _empty.TrySetResult();
        }
    }

    private sealed class Waiter(long bytes) : TaskCompletionSource<Admission>(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        public long Bytes => bytes;

        /// <summary>Null once it no longer waits.</summary>
        public LinkedListNode<Waiter>? Node { get; set; }
    }
}
