namespace LoupeGrpc.Server.Sessions;

/// <summary>The client's mistakes are information, ours are errors.</summary>
internal static partial class SessionLog
{
    [LoggerMessage(EventId = 100, Level = LogLevel.Information, Message = "Session {SessionId} '{SessionName}' of {Client} at {Peer}: opened, {Delivery}.")]
    public static partial void Opened(ILogger logger, string sessionId, string sessionName, string client, string peer, Delivery delivery);

    [LoggerMessage(
        EventId = 101,
        Level = LogLevel.Information,
        Message = "Session {SessionId}: {End} after {Seconds:0.00} s; {Frames} frames: {Results} results, {Dropped} dropped, {Expired} expired, {Failed} failed.")]
    public static partial void Ended(
        ILogger logger, string sessionId, string end, double seconds, ulong frames, ulong results, ulong dropped, ulong expired, ulong failed);

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

    [LoggerMessage(EventId = 108, Level = LogLevel.Error, Message = "Session {SessionId} did not come to its end as it should.")]
    public static partial void EndFailed(ILogger logger, string sessionId, Exception exception);

    [LoggerMessage(EventId = 109, Level = LogLevel.Error, Message = "The analysis of a frame threw where it must not; the frame may be without an outcome.")]
    public static partial void AnalysisEscaped(ILogger logger, Exception exception);

    [LoggerMessage(
        EventId = 110,
        Level = LogLevel.Warning,
        Message = "Session {SessionId} gives memory back ({Kind}): the responses of all sessions take more than {Limit} bytes (Loupe:Limits:MaxRespondingBytes).")]
    public static partial void MemoryRelieved(ILogger logger, string sessionId, string kind, long limit);

    [LoggerMessage(EventId = 111, Level = LogLevel.Warning, Message = "Session {SessionId} is not kept in the store (Loupe:Sessions:Store): {Problem}.")]
    public static partial void NotKept(ILogger logger, string sessionId, string problem);

    [LoggerMessage(EventId = 112, Level = LogLevel.Warning, Message = "A session of the store (Loupe:Sessions:Store) could not be resumed: {Problem}.")]
    public static partial void NotRestored(ILogger logger, string problem);

    [LoggerMessage(
        EventId = 113,
        Level = LogLevel.Information,
        Message = "Session {SessionId} '{SessionName}' came from the store after {Frames} frames; its client has {Lost} outcomes more than that.")]
    public static partial void Restored(ILogger logger, string sessionId, string sessionName, ulong frames, ulong lost);

    [LoggerMessage(EventId = 114, Level = LogLevel.Error, Message = "Frame {Sequence} could not be taken in.")]
    public static partial void TakingInThrew(ILogger logger, ulong sequence, Exception exception);

    [LoggerMessage(EventId = 300, Level = LogLevel.Information, Message = "Stopping: {Sessions} open sessions get {Seconds} s to finish (Loupe:Shutdown:DrainTimeout).")]
    public static partial void Draining(ILogger logger, int sessions, double seconds);

    [LoggerMessage(EventId = 301, Level = LogLevel.Warning, Message = "{Sessions} sessions did not take their last outcomes within {Seconds} s and are cut off.")]
    public static partial void DrainTimedOut(ILogger logger, int sessions, double seconds);
}
