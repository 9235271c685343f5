namespace LoupeGrpc.Engine.Queueing;

/// <summary>
/// An account of what is held at a time, in frames and in bytes, against a limit. Callers that find no room wait in the order in which they came, so that a large
/// one is not passed by for ever by small ones. What is larger than the whole limit is let in when nothing else is inside. Thread-safe.
/// </summary>
/// <remarks>
/// A room with a parent takes from itself first and from its parent then: a caller waits in one line at a time and keeps what it has taken below. Since everybody
/// goes upwards, nobody can wait for one who waits for it.
/// </remarks>
public sealed class Room
{
    // One for the whole tree: what is taken in several rooms is taken at once.
    private readonly Lock _lock;
    private readonly Room? _parent;
    private readonly int _maxWaiting;
    private readonly LinkedList<Waiter> _line = [];
    private readonly TaskCompletionSource _empty = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private RoomSize _held;
    private bool _closed;

    /// <param name="limit">Each part at least 1.</param>
    /// <param name="parent">What is taken here is taken there too; null: there is none.</param>
    /// <param name="maxWaiting">Callers that may wait in this room's line; more are told <see cref="RoomAnswer.Full"/>. By default any number.</param>
    public Room(RoomSize limit, Room? parent = null, int maxWaiting = int.MaxValue)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit.Frames, 1, nameof(limit));
        ArgumentOutOfRangeException.ThrowIfLessThan(limit.Bytes, 1, nameof(limit));
        ArgumentOutOfRangeException.ThrowIfNegative(maxWaiting);
        Limit = limit;
        _parent = parent;
        _maxWaiting = maxWaiting;
        _lock = parent?._lock ?? new Lock();
    }

    public RoomSize Limit { get; }

    /// <summary>What is inside now. Above <see cref="Limit"/> only while something larger than it is inside alone.</summary>
    public RoomSize Held
    {
        get
        {
            lock (_lock)
            {
                return _held;
            }
        }
    }

    /// <summary>Callers in this room's line now.</summary>
    public int Waiting
    {
        get
        {
            lock (_lock)
            {
                return _line.Count;
            }
        }
    }

    /// <summary>
    /// Takes room where there is some now. May pass callers that wait for more than there is, but in all by no more than one <see cref="Limit"/> before the first
    /// of them gets its turn.
    /// </summary>
    /// <returns>Null where there is no room, or the room is closed.</returns>
    public RoomLease? TryTake(int frames, long bytes)
    {
        var size = Checked(frames, bytes);
        lock (_lock)
        {
            for (var room = this; room is not null; room = room._parent)
            {
                if (room._closed || !room.Fits(size) || (room._line.First is { } first && !first.Value.MayBePassedBy(size, room.Limit)))
                {
                    return null;
                }
            }

            return Take(size);
        }
    }

    /// <summary>Waits for room behind those who came before. Done at once where there is room and nobody waits.</summary>
    public ValueTask<RoomTicket> TakeAsync(int frames, long bytes, CancellationToken cancellationToken)
    {
        var size = Checked(frames, bytes);
        if (cancellationToken.IsCancellationRequested)
        {
            return new(new RoomTicket(RoomAnswer.Canceled, null));
        }

        Waiter waiter;
        lock (_lock)
        {
            if (IsFree(size))
            {
                return new(new RoomTicket(RoomAnswer.Taken, Take(size)));
            }

            waiter = new Waiter(this, size);
            Advance(waiter, this);
        }

        return waiter.Task.IsCompleted ? new(waiter.Task) : WaitAsync(waiter, cancellationToken);
    }

    /// <summary>Refuses those who wait and those who come. What is inside stays until it is given back.</summary>
    /// <returns>Done when nothing is inside any more.</returns>
    public Task Close()
    {
        lock (_lock)
        {
            _closed = true;
            while (_line.First is { } first)
            {
                Refuse(first.Value, RoomAnswer.Closed);
            }

            // Those who have room here and wait above.
            for (var above = _parent; above is not null; above = above._parent)
            {
                foreach (var waiter in above._line.Where(waiter => waiter.Holds(this)).ToList())
                {
                    Refuse(waiter, RoomAnswer.Closed);
                }
            }

            SignalIfEmpty();
        }

        return _empty.Task;
    }

    internal void Release(RoomSize size)
    {
        lock (_lock)
        {
            GiveBack(size, above: null);
        }
    }

    private static RoomSize Checked(int frames, long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(frames);
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        return new RoomSize(frames, bytes);
    }

    private static async ValueTask<RoomTicket> WaitAsync(Waiter waiter, CancellationToken cancellationToken)
    {
        using (cancellationToken.UnsafeRegister(static state => ((Waiter)state!).Cancel(), waiter))
        {
            return await waiter.Task.ConfigureAwait(false);
        }
    }

    private void Cancel(Waiter waiter)
    {
        lock (_lock)
        {
            // Unless its turn came first.
            if (waiter.Line is not null)
            {
                Refuse(waiter, RoomAnswer.Canceled);
            }
        }
    }

    /// <summary>There is room from here upwards, and nobody waits for it.</summary>
    private bool IsFree(RoomSize size)
    {
        var room = this;
        while (room is not null && !room._closed && room._line.Count == 0 && room.Fits(size))
        {
            room = room._parent;
        }

        return room is null;
    }

    private RoomLease Take(RoomSize size)
    {
        for (var room = this; room is not null; room = room._parent)
        {
            room._held += size;
            if (room._line.First is { } first)
            {
                first.Value.Passed += size;
            }
        }

        return new RoomLease(this, size);
    }

    private bool Fits(RoomSize size) =>
        _held == default || (size.Frames <= Limit.Frames - _held.Frames && size.Bytes <= Limit.Bytes - _held.Bytes);

    /// <summary>Takes what there is from this room upwards, and waits in the line of the first that has too little.</summary>
    private static void Advance(Waiter waiter, Room? room)
    {
        for (; room is not null; room = room._parent)
        {
            if (room._closed || room._line.Count > 0 || !room.Fits(waiter.Size))
            {
                break;
            }

            room._held += waiter.Size;
        }

        if (room is null)
        {
            waiter.SetResult(new RoomTicket(RoomAnswer.Taken, new RoomLease(waiter.Bottom, waiter.Size)));
        }
        else if (room._closed || room._line.Count >= room._maxWaiting)
        {
            waiter.SetResult(new RoomTicket(room._closed ? RoomAnswer.Closed : RoomAnswer.Full, null));
            waiter.Bottom.GiveBack(waiter.Size, room);
        }
        else
        {
            waiter.Line = room;
            waiter.Node = room._line.AddLast(waiter);
        }
    }

    private static void Refuse(Waiter waiter, RoomAnswer answer)
    {
        var line = waiter.Line!;
        line.Remove(waiter);
        waiter.SetResult(new RoomTicket(answer, null));
        waiter.Bottom.GiveBack(waiter.Size, line);

        // It may have been the one that the others waited behind.
        line.Admit();
    }

    private void Remove(Waiter waiter)
    {
        _line.Remove(waiter.Node!);
        (waiter.Line, waiter.Node) = (null, null);
    }

    /// <summary>From this room upwards, up to and without <paramref name="above"/>.</summary>
    private void GiveBack(RoomSize size, Room? above)
    {
        for (var room = this; room != above; room = room!._parent)
        {
            room!._held -= size;
        }

        for (var room = this; room != above; room = room!._parent)
        {
            room!.Admit();
            room.SignalIfEmpty();
        }
    }

    /// <summary>Lets in those at the head of the line for whom there is room.</summary>
    private void Admit()
    {
        while (_line.First is { } first && Fits(first.Value.Size))
        {
            var waiter = first.Value;
            Remove(waiter);
            _held += waiter.Size;
            Advance(waiter, _parent);
        }
    }

    private void SignalIfEmpty()
    {
        if (_closed && _held == default)
        {
            _empty.TrySetResult();
        }
    }

    /// <summary>A caller on its way from a room to the topmost one.</summary>
    private sealed class Waiter(Room bottom, RoomSize size) : TaskCompletionSource<RoomTicket>(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        /// <summary>Where it came in.</summary>
        public Room Bottom => bottom;

        public RoomSize Size => size;

        /// <summary>Where it waits; null once it waits no longer.</summary>
        public Room? Line { get; set; }

        public LinkedListNode<Waiter>? Node { get; set; }

        /// <summary>What was let in before it while it was the first in its line.</summary>
        public RoomSize Passed { get; set; }

        public bool MayBePassedBy(RoomSize other, RoomSize limit) =>
            other.Frames <= limit.Frames - Passed.Frames && other.Bytes <= limit.Bytes - Passed.Bytes;

        /// <summary>Whether it has taken room there and waits further up.</summary>
        public bool Holds(Room room)
        {
            var below = bottom;
            while (below != Line && below != room)
            {
                below = below!._parent;
            }

            return below == room && below != Line;
        }

        public void Cancel() => bottom.Cancel(this);
    }
}
