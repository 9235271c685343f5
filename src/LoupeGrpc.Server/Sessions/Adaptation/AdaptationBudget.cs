using LoupeGrpc.Server.Configuration;

namespace LoupeGrpc.Server.Sessions.Adaptation;

/// <summary>
/// Bytes of all adaptation states together. Where a new one does not fit, those that were not used for the longest time are evicted, connected or
/// parked. A state that is taken out counts no more at once; its bytes are freed when the frame that uses it is done. An evicted session does not
/// come back by itself, so states push each other out no faster than clients ask for them. Thread-safe: owners are told outside the lock.
/// </summary>
internal sealed class AdaptationBudget(LoupeOptions options, SessionMetrics metrics)
{
    private readonly Lock _lock = new();

    /// <summary>Least recently used first.</summary>
    private readonly LinkedList<StateShare> _shares = [];

    /// <summary>Bytes taken now.</summary>
    public long Used { get; private set; }

    public long Limit => options.Adaptation.MaxStateBytes;

    /// <summary>States evicted so far.</summary>
    public ulong Evictions { get; private set; }

    /// <summary>Takes room for a state, from others where there is none. False where it is larger than all the room.</summary>
    public bool TryTake(StateShare share)
    {
        List<StateShare> evicted = [];
        lock (_lock)
        {
            if (share.Bytes > Limit)
            {
                return false;
            }

            // Whoever has as many as it may gives up one of its own.
            while (share.OwnersMost > 0 && _shares.Count(other => other.Owner == share.Owner) >= share.OwnersMost)
            {
                Evict(_shares.First(other => other.Owner == share.Owner));
            }

            while (share.Bytes > Limit - Used)
            {
                Evict(_shares.First!.Value);
            }

            _shares.AddLast(share.Node);
            Used += share.Bytes;
        }

        metrics.AdaptationBytesChanged(share.Bytes);
        foreach (var other in evicted)
        {
            metrics.AdaptationEvicted();
            metrics.AdaptationBytesChanged(-other.Bytes);
            other.Evict(other);
        }

        return true;

        void Evict(StateShare other)
        {
            evicted.Add(other);
            Remove(other);
            Evictions++;
        }
    }

    /// <summary>The state is used now.</summary>
    public void Touch(StateShare share)
    {
        lock (_lock)
        {
            if (share.Node.List is not null)
            {
                _shares.Remove(share.Node);
                _shares.AddLast(share.Node);
            }
        }
    }

    /// <summary>Gives the bytes back. Does nothing where they were taken away already.</summary>
    public void Return(StateShare share)
    {
        lock (_lock)
        {
            if (share.Node.List is null)
            {
                return;
            }

            Remove(share);
        }

        metrics.AdaptationBytesChanged(-share.Bytes);
    }

    private void Remove(StateShare share)
    {
        _shares.Remove(share.Node);
        Used -= share.Bytes;
    }
}

/// <summary>One state's part of the budget.</summary>
internal sealed class StateShare
{
    /// <param name="evict">Called at most once, from any thread, when the share was taken away. It must not wait.</param>
    public StateShare(long bytes, Action<StateShare> evict)
    {
        Bytes = bytes;
        Evict = evict;
        Node = new LinkedListNode<StateShare>(this);
    }

    public long Bytes { get; }

    /// <summary>Whose it is.</summary>
    public string Owner { get; init; } = string.Empty;

    /// <summary>States that the owner may have; 0: any number.</summary>
    public int OwnersMost { get; init; }

    public Action<StateShare> Evict { get; }

    /// <summary>The budget's.</summary>
    public LinkedListNode<StateShare> Node { get; }
}
