using LoupeGrpc.Engine.Queueing;

namespace LoupeGrpc.Engine.Scheduling;

/// <summary>One thread that works on what waits in a queue, as <see cref="Cores"/> sees it.</summary>
/// <param name="progress">Of what it works on: the larger, the less is left to do.</param>
internal abstract class CoreSeat(int progress)
{
    private readonly object _lock = new();
    private bool? _hasWork;

    public int Progress => progress;

    /// <summary>Null: there is no work. Otherwise the larger the sooner.</summary>
    public abstract int? Urgency { get; }

    /// <summary>No work comes any more.</summary>
    public abstract bool IsOver { get; }

    /// <summary>Takes the work for the thread, which finds it when it wakes.</summary>
    public abstract bool TryTakeWork();

    /// <summary>The thread is about to wait.</summary>
    public void Begin() => _hasWork = null;

    /// <summary>The thread waits for <see cref="End"/>.</summary>
    public bool Wait()
    {
        lock (_lock)
        {
            while (_hasWork is null)
            {
                Monitor.Wait(_lock);
            }

            return _hasWork.Value;
        }
    }

    public void End(bool hasWork)
    {
        lock (_lock)
        {
            _hasWork = hasWork;
            Monitor.Pulse(_lock);
        }
    }
}

/// <inheritdoc/>
/// <param name="select">Takes out of the queue, which is not empty, what the thread shall work on.</param>
internal sealed class CoreSeat<T>(int progress, StageQueue<T> queue, Action<List<T>> select) : CoreSeat(progress)
    where T : class
{
    public override int? Urgency => queue.HeadIsUrgent switch
    {
        true => 1,
        false => 0,
        null => null,
    };

    public override bool IsOver => queue.IsOver;

    public override bool TryTakeWork() => queue.TryTake(select);
}
