using LoupeGrpc.Engine.Queueing;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Sessions.Adaptation;

namespace LoupeGrpc.Server.Sessions.Memory;

/// <summary>
/// What callers can make the server keep, by kind, each within its share of <c>Loupe:Limits:MaxMemoryBytes</c>. The shares do not overlap, so that who waits in
/// one never waits for who waits in another. What happens where a share is used up:
/// <list type="bullet">
/// <item>Messages on their way in wait, and flow control slows their senders down; one that takes longer than others may be made to wait gives way.</item>
/// <item>Maps of tiles that sessions keep are part of the frames; where there is no room for one it is not kept.</item>
/// <item>Frames wait where each is answered, and are refused where they would be late or nobody bound the number of callers.</item>
/// <item>Responses: see <see cref="MemoryRelief"/>.</item>
/// <item>Adaptation states, in <see cref="AdaptationBudget"/>: the one not used for the longest time is evicted.</item>
/// <item>Frames inside the engine have an account of the engine's own.</item>
/// </list>
/// </summary>
internal sealed class MemoryLedger
{
    /// <summary>Of what frames may take, and of what those of a session may, the part that maps of tiles may.</summary>
    private const int TileShare = 4;

    private readonly LoupeOptions _options;

    public MemoryLedger(LoupeOptions options)
    {
        _options = options;
        Receiving = new Room(RoomSize.OfBytes(options.Limits.MaxReceivingBytes));
        Frames = new Room(RoomSize.OfBytes(options.Limits.MaxBufferedBytes));
        TileMaps = new Room(RoomSize.OfBytes(options.Limits.MaxBufferedBytes / TileShare), Frames);
        Responses = new ResponseMemory(options.Limits.MaxRespondingBytes);
    }

    /// <summary>Messages that are being received, or are whole and not taken apart yet.</summary>
    public Room Receiving { get; }

    /// <summary>Frames that wait or are analysed, as they were received.</summary>
    public Room Frames { get; }

    /// <summary>
    /// Soft maps that sessions of which each frame shows some tiles keep from one frame to the next. They count among <see cref="Frames"/>, of which they never have more than a
    /// part, so that no frame waits for what stays.
    /// </summary>
    public Room TileMaps { get; }

    /// <summary>Responses that were made and not written, or are kept for a call that resumes their session.</summary>
    public ResponseMemory Responses { get; }

    /// <summary>A session's part of <see cref="TileMaps"/>.</summary>
    public Room CreateTileRoom() => new(RoomSize.OfBytes(Math.Max(1, _options.Limits.MaxSessionBytes / TileShare)), TileMaps);
}
