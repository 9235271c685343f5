namespace LoupeGrpc.Server.Commands;

internal static partial class ServeLog
{
    [LoggerMessage(EventId = 500, Level = LogLevel.Warning, Message = "{Variable} is set but ignored: use Loupe__Endpoints__Grpc and Loupe__Endpoints__Operations.")]
    public static partial void AddressVariableIgnored(ILogger logger, string variable);
}
