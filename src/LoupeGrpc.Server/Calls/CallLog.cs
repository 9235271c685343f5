namespace LoupeGrpc.Server.Calls;

internal static partial class CallLog
{
    [LoggerMessage(EventId = 150, Level = LogLevel.Information, Message = "Call of {Peer} refused: {Reason}.")]
    public static partial void Refused(ILogger logger, string peer, string reason);
}
