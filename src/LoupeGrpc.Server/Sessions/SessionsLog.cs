namespace LoupeGrpc.Server.Sessions;

internal static partial class SessionsLog
{
    [LoggerMessage(EventId = 300, Level = LogLevel.Information, Message = "Stopping: {Sessions} open sessions get {Timeout} to finish (Loupe:Shutdown:DrainTimeout).")]
    public static partial void Draining(ILogger logger, int sessions, TimeSpan timeout);

    [LoggerMessage(EventId = 301, Level = LogLevel.Warning, Message = "{Sessions} sessions did not take their last outcomes within {Timeout} and are cut off.")]
    public static partial void DrainTimedOut(ILogger logger, int sessions, TimeSpan timeout);
}
