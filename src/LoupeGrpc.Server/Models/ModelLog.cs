namespace LoupeGrpc.Server.Models;

internal static partial class ModelLog
{
    [LoggerMessage(EventId = 200, Level = LogLevel.Warning, Message = "The cache {Directory} cannot be used, the embedded model is converted for this run only: {Reason}")]
    public static partial void CacheUnusable(ILogger logger, string directory, string reason);

    [LoggerMessage(EventId = 201, Level = LogLevel.Warning, Message = "The cached model is damaged and converted again: {Reason}")]
    public static partial void CacheDamaged(ILogger logger, string reason);

    [LoggerMessage(EventId = 202, Level = LogLevel.Warning, Message = "{Name} is a demonstration model: nothing real should be decided with it. Set Loupe:Model:Path or --model to serve another.")]
    public static partial void Demonstration(ILogger logger, string name);

    [LoggerMessage(EventId = 203, Level = LogLevel.Information, Message = "The embedded model was converted into {Directory} in {Seconds:F1} s.")]
    public static partial void Converted(ILogger logger, string directory, double seconds);
}
