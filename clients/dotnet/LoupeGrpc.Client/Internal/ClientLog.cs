using Microsoft.Extensions.Logging;

namespace LoupeGrpc.Client.Internal;

/// <summary>What the library logs, in the category of <see cref="LoupeClient"/>. What a caller is told by an exception or an outcome is not logged as well.</summary>
internal static partial class ClientLog
{
    [LoggerMessage(EventId = 700, Level = LogLevel.Warning, Message = "The certificate of {Address} is not checked: who is in between can read and change everything.")]
    public static partial void TakesAnyCertificate(ILogger logger, string address);

    [LoggerMessage(EventId = 701, Level = LogLevel.Information, Message = "{Address} cannot be reached, trying again: {Reason}")]
    public static partial void TriesAgain(ILogger logger, string address, string reason);

    [LoggerMessage(EventId = 702, Level = LogLevel.Warning, Message = "The connection of session {SessionId} to {Address} broke, trying to go on with another for {Seconds:F0} s: {Reason}")]
    public static partial void Disconnected(ILogger logger, string sessionId, string address, double seconds, string reason);

    [LoggerMessage(EventId = 703, Level = LogLevel.Information, Message = "Session {SessionId} goes on at {Address} after {Seconds:F1} s; frames sent again: {Frames}.")]
    public static partial void Resumed(ILogger logger, string sessionId, string address, double seconds, int frames);

    [LoggerMessage(EventId = 704, Level = LogLevel.Error, Message = "Session {SessionId} at {Address} ended before it was completed: {Reason}")]
    public static partial void Ended(ILogger logger, string sessionId, string address, string reason);
}
