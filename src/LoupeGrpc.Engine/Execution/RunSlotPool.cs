using LoupeGrpc.Engine.Queueing;
using Microsoft.ML.OnnxRuntime;

namespace LoupeGrpc.Engine.Execution;

/// <summary>Where a slot is, or is made when it is next needed. One holder's at a time.</summary>
internal sealed class SlotPlace
{
    public RunSlot? Slot { get; set; }

    /// <summary>Gives the memory of a slot back that has more rows than there may be.</summary>
    public void Fit(int rows)
    {
        if (Slot?.Rows > rows)
        {
            Slot.Dispose();
            Slot = null;
        }
    }
}

/// <summary>A fixed number of slots, handed out to one batch each. Thread-safe.</summary>
internal sealed class RunSlotPool : IDisposable
{
    private readonly LoupeModel _model;
    private readonly IReadOnlyList<SlotPlace> _places;
    private readonly StageQueue<SlotPlace> _free;
    private volatile int _rows;

    private RunSlotPool(LoupeModel model, IReadOnlyList<SlotPlace> places, int rows)
    {
        _model = model;
        _places = places;
        _rows = rows;
        _free = new StageQueue<SlotPlace>("run slots", places.Count);
    }

    public int Count => _places.Count;

    /// <param name="rows">Of each slot.</param>
    /// <exception cref="OnnxRuntimeException">There is not enough memory.</exception>
    public static RunSlotPool Allocate(LoupeModel model, int count, int rows)
    {
        var pool = new RunSlotPool(model, [.. Enumerable.Range(0, count).Select(static _ => new SlotPlace())], rows);
        try
        {
            foreach (var place in pool._places)
            {
                pool.Open(place);
                pool.Return(place);
            }

            return pool;
        }
        catch
        {
            pool.Dispose();
            throw;
        }
    }

    /// <summary>Called after each place that comes back. Set before the first frame.</summary>
    public Action? Returned { get; set; }

    /// <summary>Keeps a free place for the caller, who may <see cref="Open"/> it and must <see cref="Return"/> it.</summary>
    /// <returns>Null: none is free.</returns>
    public SlotPlace? TryReserve() => _free.TryTake();

    /// <summary>The slot of a reserved place, made now where there is none.</summary>
    /// <exception cref="OnnxRuntimeException">There is not enough memory.</exception>
    public RunSlot Open(SlotPlace place)
    {
        place.Fit(_rows);
        return place.Slot ??= Create();
    }

    /// <summary>With or without a slot.</summary>
    public void Return(SlotPlace place)
    {
        place.Fit(_rows);
        _free.PutBack(place);
        Returned?.Invoke();
    }

    /// <summary>Smaller slots from now on: the memory of those that are free is given back now, that of the others when they return.</summary>
    public void Shrink(int rows)
    {
        _rows = Math.Min(_rows, rows);
        _free.ForEach(place => place.Fit(rows));
    }

    /// <summary>After every slot came back.</summary>
    public void Dispose()
    {
        foreach (var place in _places)
        {
            place.Slot?.Dispose();
            place.Slot = null;
        }
    }

    private RunSlot Create()
    {
        var slot = RunSlot.Allocate(_model, _rows);
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
