using LoupeGrpc.Engine.Queueing;

namespace LoupeGrpc.Server.Sessions;

/// <summary>What all sessions of one owner may take together.</summary>
/// <param name="Sessions">Open at a time, those that wait to be resumed among them; 0: as many as there are places.</param>
/// <param name="Setting">That says how many, for people.</param>
/// <param name="Pace">Null: frames as fast as they come.</param>
internal sealed record OwnerQuota(int Sessions, string Setting, IFramePace? Pace)
{
    public static OwnerQuota Unlimited { get; } = new(0, string.Empty, null);

    /// <summary>Of one address, whoever its owners are; 0: as many as there are places.</summary>
    public int AddressSessions { get; init; }

    /// <summary>Null: those of everybody.</summary>
    public OwnerRooms? Rooms { get; init; }

    /// <summary>Of the frames that wait or are analysed, within the server's; null: the server's.</summary>
    public Room? Frames => Rooms?.Frames;

    /// <summary>Sessions that adapt; 0: as many as the server's budget has room for.</summary>
    public int AdaptationStates { get; init; }

    /// <summary>Whether it is for <see cref="Frames"/> that a frame finds no room now, and not for the server's. One that is larger than all of it finds some when nothing else is inside.</summary>
    /// <param name="bytes">That it has.</param>
    public bool LacksRoomFor(int bytes) => Frames is { } own && own.Held.Bytes is > 0 and var held && held + bytes > own.Limit.Bytes;
}

/// <summary>The memory that one owner may take.</summary>
/// <param name="Frames">Of those that wait or are analysed, within the server's.</param>
/// <param name="Receiving">Of those that are being received: who waits for its own bytes holds nothing that others wait for.</param>
internal sealed record OwnerRooms(Room Frames, Room Receiving);

/// <summary>How fast the frames of one owner may come, over all its sessions. Thread-safe.</summary>
internal interface IFramePace
{
    /// <summary>Waits until more may come.</summary>
    /// <param name="frame">Whether a frame more; false: more of one.</param>
    /// <param name="bytes">That come, at most <c>Loupe:Limits:MaxFrameBytes</c>.</param>
    /// <returns>False: canceled before.</returns>
    ValueTask<bool> WaitAsync(bool frame, int bytes, CancellationToken cancellationToken);

    /// <param name="bytes">That it has.</param>
    /// <returns>Whether a frame more may come now.</returns>
    bool TryTake(int bytes);
}
