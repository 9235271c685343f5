namespace LoupeGrpc.Engine.Queueing;

/// <summary>
/// What waits for a thread, oldest first, and what is urgent before the rest: frames before a stage, free buffers and slots before whoever needs one. Takers wait, or look; adding never waits, because what may
/// be in a queue at a time is bounded by admission. At most about a thousand items, so that a list is quick enough for taking from its middle. Thread-safe.
/// </summary>
/// <param name="isUrgent">Null: nothing is.</param>
/// <param name="isPart">Whether an item is one of many that make up one. A whole one that comes waits for one of them that came before, not for all. Null: nothing is.</param>
internal sealed class StageQueue<T>(string name, int capacity, Predicate<T>? isUrgent = null, Predicate<T>? isPart = null)
    where T : class
{
    private readonly object _lock = new();
    private readonly List<T> _waiting = [];
    private bool _closed;

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _waiting.Count;
            }
        }
    }

    /// <summary>Of what is taken next. Null: nothing waits.</summary>
    public bool? HeadIsUrgent
    {
        get
        {
            lock (_lock)
            {
                return _waiting.Count == 0 ? null : isUrgent?.Invoke(_waiting[0]) == true;
            }
        }
    }

    /// <exception cref="InvalidOperationException">There are more items than admission allows.</exception>
    public void Add(T item)
    {
        lock (_lock)
        {
            CheckRoom(1);
            Insert(item);
            Monitor.Pulse(_lock);
        }
    }

    /// <summary>No taker sees only some of them.</summary>
    /// <exception cref="InvalidOperationException">There are more items than admission allows.</exception>
    public void AddRange(IReadOnlyList<T> items)
    {
        lock (_lock)
        {
            CheckRoom(items.Count);
            foreach (var item in items)
            {
                Insert(item);
            }

            Monitor.PulseAll(_lock);
        }
    }

    /// <summary>What was taken and has to be taken again, before everything else.</summary>
    public void PutBack(IReadOnlyList<T> items)
    {
        lock (_lock)
        {
            _waiting.InsertRange(0, items);
            Monitor.PulseAll(_lock);
        }
    }

    /// <inheritdoc cref="PutBack(IReadOnlyList{T})"/>
    public void PutBack(T item)
    {
        lock (_lock)
        {
            _waiting.Insert(0, item);
            Monitor.Pulse(_lock);
        }
    }

    /// <summary>Waits for an item.</summary>
    /// <returns>Null: the queue is closed and empty.</returns>
    public T? Take()
    {
        lock (_lock)
        {
            if (!Wait())
            {
                return null;
            }

            var item = _waiting[0];
            _waiting.RemoveAt(0);
            return item;
        }
    }

    /// <returns>Null: nothing waits.</returns>
    public T? TryTake()
    {
        lock (_lock)
        {
            if (_waiting.Count == 0)
            {
                return null;
            }

            var item = _waiting[0];
            _waiting.RemoveAt(0);
            return item;
        }
    }

    /// <summary>Takes what <paramref name="select"/> chooses, where something waits.</summary>
    /// <param name="select">Takes out of the list what it wants, quickly: nobody else gets to the queue meanwhile.</param>
    /// <returns>False: nothing waits.</returns>
    public bool TryTake(Action<List<T>> select)
    {
        lock (_lock)
        {
            if (_waiting.Count == 0)
            {
                return false;
            }

            select(_waiting);
            return true;
        }
    }

    /// <returns>Whether it waited here; it is the caller's then.</returns>
    public bool TryRemove(T item)
    {
        lock (_lock)
        {
            return _waiting.Remove(item);
        }
    }

    /// <summary>Looks at everything that waits, which stays.</summary>
    public void ForEach(Action<T> look)
    {
        lock (_lock)
        {
            _waiting.ForEach(look);
        }
    }

    /// <summary>Takers go when nothing is left. Something may still be added.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _closed = true;
            Monitor.PulseAll(_lock);
        }
    }

    /// <summary>Behind what is as urgent, but for parts.</summary>
    private void Insert(T item)
    {
        int end = isUrgent?.Invoke(item) == true ? _waiting.FindIndex(other => !isUrgent(other)) : -1;
        end = end < 0 ? _waiting.Count : end;
        int place = end;
        if (isPart?.Invoke(item) == false)
        {
            // At most one part stays between it and the whole one before it.
            while (place > 0 && isPart(_waiting[place - 1]) && SameUrgency(_waiting[place - 1], item))
            {
                place--;
            }

            place = Math.Min(place + 1, end);
        }

        _waiting.Insert(place, item);
    }

    private bool SameUrgency(T one, T other) => isUrgent is null || isUrgent(one) == isUrgent(other);

    private bool Wait()
    {
        while (_waiting.Count == 0)
        {
            if (_closed)
            {
                return false;
            }

            Monitor.Wait(_lock);
        }

        return true;
    }

    private void CheckRoom(int more)
    {
        if (_waiting.Count + more > capacity)
        {
            throw new InvalidOperationException($"More waits for {name} than was admitted: {_waiting.Count + more} of {capacity}.");
        }
    }
}
