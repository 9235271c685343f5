using Microsoft.Extensions.Logging;

namespace LoupeGrpc.Engine.Imaging;

internal static partial class DecoderLog
{
    [LoggerMessage(20, LogLevel.Warning, "A decoder died of a {Kind} (signal {Signal}); only that picture is lost", EventName = "DecoderDied")]
    public static partial void DecoderDied(ILogger logger, string kind, int signal);
}
