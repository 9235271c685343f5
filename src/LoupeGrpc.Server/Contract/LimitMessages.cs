using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.V1;

namespace LoupeGrpc.Server.Contract;

/// <summary>The server's limits as clients see them.</summary>
internal static class LimitMessages
{
    /// <param name="credits">Frames that may be undelivered at a time.</param>
    /// <param name="maxResponseBytes">Bytes.</param>
    public static Limits Of(LoupeOptions options, int credits, int maxResponseBytes) => new()
    {
        MaxMessageBytes = (ulong)options.Limits.MaxMessageBytes,
        MaxFrameBytes = (ulong)options.Limits.MaxFrameBytes,
        MaxPixels = (ulong)options.Limits.MaxPixels,
        MaxSide = (uint)options.Limits.MaxSide,
        Credits = (uint)credits,
        MaxResponseBytes = (ulong)maxResponseBytes,
        MaxSessions = (uint)options.Limits.MaxSessions,
        MaxTiles = (uint)options.Limits.MaxTiles,
        MaxAdaptationBytes = (ulong)options.Adaptation.MaxStateBytes,
    };

    public static CallFailure MessageTooLarge(LoupeOptions options) => CallFailure.TooLarge(
        $"a message is over the limit of {options.Limits.MaxMessageBytes} bytes: Loupe:Limits:MaxFrameBytes, which is {options.Limits.MaxFrameBytes}, and 1 MiB");
}
