using System.Collections.Concurrent;

namespace LoupeGrpc.Engine.Execution;

/// <summary>A fixed number of slots, handed out to one frame each. Thread-safe.</summary>
internal sealed class RunSlotPool : IDisposable
{
    private readonly ConcurrentStack<RunSlot> _free = new();
    private readonly SemaphoreSlim _available;

    public RunSlotPool(LoupeModel model, int count)
    {
        Count = count;
        _available = new SemaphoreSlim(count, count);
        for (int i = 0; i < count; i++)
        {
            _free.Push(new RunSlot(model, batch: 1));
        }
    }

    public int Count { get; }

    /// <summary>Waits until a slot is free.</summary>
    public RunSlot Rent()
    {
        _available.Wait();
        return _free.TryPop(out var slot) ? slot : throw new InvalidOperationException("A run slot was returned twice.");
    }

    public void Return(RunSlot slot)
    {
        _free.Push(slot);
        _available.Release();
    }

    /// <summary>After every slot came back.</summary>
    public void Dispose()
    {
        while (_free.TryPop(out var slot))
        {
            slot.Dispose();
        }

        _available.Dispose();
    }
}
