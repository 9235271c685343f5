using LoupeGrpc.Engine.Queueing;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Sessions.Adaptation;

namespace LoupeGrpc.Server.Sessions.Memory;

/// <summary>
/// What callers can make the server keep, by kind, each within its share of <c>Loupe:Limits:MaxMemoryBytes</c>. The shares do not overlap, so that who waits in
/// one never waits for who waits in another. What happens where a share is used up:
/// <list type="bullet">
/// <item>Messages on their way in wait, and flow control slows their senders down; one that takes longer than others may be made to wait gives way.</item>
/// <item>Frames wait where each is answered, and are refused where they would be late or nobody bound the number of callers.</item>
/// <item>Responses: see <see cref="MemoryRelief"/>.</item>
/// <item>Adaptation states, in <see cref="AdaptationBudget"/>: the one not used for the longest time is evicted.</item>
/// <item>Frames inside the engine have an account of the engine's own.</item>
/// </list>
/// </summary>
internal sealed class MemoryLedger(LoupeOptions options)
{
    /// <summary>Messages that are being received, or are whole and not taken apart yet.</summary>
    public Room Receiving { get; } = new(RoomSize.OfBytes(options.Limits.MaxReceivingBytes));

    /// <summary>Frames that wait or are analysed, as they were received.</summary>
    public Room Frames { get; } = new(RoomSize.OfBytes(options.Limits.MaxBufferedBytes));

    /// <summary>Responses that were made and not written, or are kept for a call that resumes their session.</summary>
    public ResponseMemory Responses { get; } = new(options.Limits.MaxRespondingBytes);
}
