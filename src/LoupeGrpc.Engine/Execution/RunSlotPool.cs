using Microsoft.ML.OnnxRuntime;

namespace LoupeGrpc.Engine.Execution;

/// <summary>A fixed number of slots, handed out to one batch each. Thread-safe.</summary>
internal sealed class RunSlotPool : IDisposable
{
    private readonly LoupeModel _model;
    private readonly Lock _lock = new();

    // Null: a place whose slot has still to be made.
    private readonly Stack<RunSlot?> _free = new();
    private readonly SemaphoreSlim _available;
    private int _rows;

    /// <param name="rows">Of each slot.</param>
    /// <exception cref="OnnxRuntimeException">There is not enough memory.</exception>
    public RunSlotPool(LoupeModel model, int count, int rows)
    {
        _model = model;
        _rows = rows;
        Count = count;
        _available = new SemaphoreSlim(count, count);
        try
        {
            for (int i = 0; i < count; i++)
            {
                _free.Push(Create());
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public int Count { get; }

    /// <summary>Waits until a slot is free and keeps it for the caller, who must <see cref="Open"/> or <see cref="GiveUp"/> it.</summary>
    public void Reserve() => _available.Wait();

    /// <summary>Instead of <see cref="Open"/>.</summary>
    public void GiveUp() => _available.Release();

    /// <summary>A reserved slot. When it throws the reservation stands.</summary>
    /// <exception cref="OnnxRuntimeException">There is not enough memory.</exception>
    public RunSlot Open()
    {
        lock (_lock)
        {
            if (_free.Peek() is null)
            {
                var slot = Create();
                _free.Pop();
                return slot;
            }

            return _free.Pop()!;
        }
    }

    public void Return(RunSlot slot)
    {
        lock (_lock)
        {
            _free.Push(Fitting(slot));
        }

        _available.Release();
    }

    /// <summary>Smaller slots from now on: the memory of those that are free is given back now, that of the others when they return.</summary>
    public void Shrink(int rows)
    {
        lock (_lock)
        {
            _rows = Math.Min(_rows, rows);
            var free = _free.Select(Fitting).ToList();
            _free.Clear();
            free.ForEach(_free.Push);
        }
    }

    /// <summary>After every slot came back.</summary>
    public void Dispose()
    {
        while (_free.TryPop(out var slot))
        {
            slot?.Dispose();
        }

        _available.Dispose();
    }

    private RunSlot? Fitting(RunSlot? slot)
    {
        if (slot is null || slot.Rows <= _rows)
        {
            return slot;
        }

        slot.Dispose();
        return null;
    }

    private RunSlot Create()
    {
        var slot = new RunSlot(_model, _rows);
        try
        {
            if (_model.Target.IsDevice)
            {
                // On a device memory is taken at the start, so that a shortage shows then.
                _ = slot.Adaptation;
            }

            return slot;
        }
        catch
        {
            slot.Dispose();
            throw;
        }
    }
}
