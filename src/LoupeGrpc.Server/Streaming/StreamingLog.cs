using Google.Protobuf.WellKnownTypes;
using LoupeGrpc.V1;

namespace LoupeGrpc.Server.Streaming;

/// <summary>The client's mistakes are information, ours are errors.</summary>
internal static partial class StreamingLog
{
    [LoggerMessage(EventId = 100, Level = LogLevel.Information, Message = "Session {SessionId} '{SessionName}' of {Client} at {Peer}: opened, {Delivery}.")]
    public static partial void Opened(ILogger logger, string sessionId, string sessionName, string client, string peer, DeliveryMode delivery);

    [LoggerMessage(
        EventId = 101,
        Level = LogLevel.Information,
        Message = "Session {SessionId}: {End} after {Duration}; {Frames} frames: {Results} results, {Dropped} dropped, {Expired} expired, {Failed} failed.")]
    public static partial void Ended(
        ILogger logger, string sessionId, string end, Duration duration, ulong frames, ulong results, ulong dropped, ulong expired, ulong failed);

    [LoggerMessage(EventId = 102, Level = LogLevel.Information, Message = "Call of {Peer} refused: {Reason}.")]
    public static partial void Refused(ILogger logger, string peer, string reason);

    [LoggerMessage(EventId = 103, Level = LogLevel.Error, Message = "The analysis of frame {Sequence} threw instead of answering.")]
    public static partial void AnalysisThrew(ILogger logger, ulong sequence, Exception exception);

    [LoggerMessage(EventId = 104, Level = LogLevel.Information, Message = "Session {SessionId}: the connection broke; it can be resumed for {Window}.")]
    public static partial void Parked(ILogger logger, string sessionId, TimeSpan window);

    [LoggerMessage(EventId = 105, Level = LogLevel.Information, Message = "Session {SessionId}: resumed by {Peer} after {Received} responses.")]
    public static partial void Resumed(ILogger logger, string sessionId, string peer, ulong received);

    [LoggerMessage(EventId = 106, Level = LogLevel.Information, Message = "Session {SessionId}: taken over from {Earlier} by {Peer} after {Received} responses.")]
    public static partial void TakenOver(ILogger logger, string sessionId, string earlier, string peer, ulong received);

    [LoggerMessage(EventId = 107, Level = LogLevel.Information, Message = "Session {SessionId}: its adaptation state was evicted (Loupe:Adaptation:MaxStateBytes).")]
    public static partial void AdaptationEvicted(ILogger logger, string sessionId);
}
