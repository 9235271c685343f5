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

    [LoggerMessage(EventId = 204, Level = LogLevel.Information, Message = "The model '{Name}' is {Now} from now on, before it was {Before}: sessions on that one, which are {Left}, end there.")]
    public static partial void Changed(ILogger logger, string name, string now, string before, int left);

    [LoggerMessage(EventId = 205, Level = LogLevel.Error, Message = "The model '{Name}' cannot be changed, {Consequence}: {Reason}")]
    public static partial void Refused(ILogger logger, string name, string consequence, string reason);

    [LoggerMessage(EventId = 206, Level = LogLevel.Information, Message = "The model '{Name}' ({Title}) is not in the settings any more: its sessions end on it.")]
    public static partial void Removed(ILogger logger, string name, string title);

    [LoggerMessage(EventId = 207, Level = LogLevel.Information, Message = "{Title}, the model '{Name}' before, was left by its last session: its memory is free.")]
    public static partial void Freed(ILogger logger, string name, string title);

    [LoggerMessage(EventId = 208, Level = LogLevel.Error, Message = "{Title}, the model '{Name}' before, could not be freed.")]
    public static partial void NotFreed(ILogger logger, string name, string title, Exception exception);
}
