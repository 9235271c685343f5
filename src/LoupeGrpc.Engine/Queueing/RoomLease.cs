namespace LoupeGrpc.Engine.Queueing;

/// <summary>Frames and bytes, taken or to be taken in a <see cref="Room"/>.</summary>
public readonly record struct RoomSize(int Frames, long Bytes)
{
    /// <summary>A limit on frames alone.</summary>
    public static RoomSize OfFrames(int frames) => new(frames, long.MaxValue);

    /// <summary>A limit on bytes alone.</summary>
    public static RoomSize OfBytes(long bytes) => new(int.MaxValue, bytes);

    public static RoomSize operator +(RoomSize one, RoomSize other) => new(checked(one.Frames + other.Frames), checked(one.Bytes + other.Bytes));

    public static RoomSize operator -(RoomSize one, RoomSize other) => new(checked(one.Frames - other.Frames), checked(one.Bytes - other.Bytes));
}

/// <summary>What became of a wish for room.</summary>
public enum RoomAnswer
{
    Taken,

    /// <summary>As many wait already as may.</summary>
    Full,

    /// <summary>The caller's token was canceled before its turn came.</summary>
    Canceled,

    /// <summary>The room, or one above it, takes nobody any more.</summary>
    Closed,
}

/// <param name="Lease">The caller's to dispose; null unless the room was taken.</param>
public readonly record struct RoomTicket(RoomAnswer Answer, RoomLease? Lease);

/// <summary>Room that was taken. The first <see cref="Dispose"/> gives it back, to the rooms above too; later ones do nothing. Thread-safe.</summary>
public sealed class RoomLease : IDisposable
{
    private Room? _room;

    internal RoomLease(Room room, RoomSize size) => (_room, Size) = (room, size);

    public RoomSize Size { get; }

    public void Dispose() => Interlocked.Exchange(ref _room, null)?.Release(Size);
}
