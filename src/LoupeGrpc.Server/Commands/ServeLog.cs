namespace LoupeGrpc.Server.Commands;

internal static partial class ServeLog
{
    [LoggerMessage(EventId = 500, Level = LogLevel.Warning, Message = "{Variable} is set but ignored: use Loupe__Endpoints__Grpc, Loupe__Endpoints__Operations and Loupe__Endpoints__Web.")]
    public static partial void AddressVariableIgnored(ILogger logger, string variable);

    [LoggerMessage(
        EventId = 501,
        Level = LogLevel.Warning,
        Message = "The address space of this process is limited to {Mebibytes} MiB ('ulimit -v'): the runtime and the model may not fit into it.")]
    public static partial void AddressSpaceLimited(ILogger logger, ulong mebibytes);

    [LoggerMessage(EventId = 502, Level = LogLevel.Information, Message = "Settings are read anew. Changed and in force: {Settings}.")]
    public static partial void SettingsReloaded(ILogger logger, string settings);

    [LoggerMessage(EventId = 503, Level = LogLevel.Warning, Message = "Changed, and in force from the next start only: {Settings}.")]
    public static partial void SettingsLater(ILogger logger, string settings);

    [LoggerMessage(EventId = 504, Level = LogLevel.Error, Message = "Settings have changed and cannot be used; those from before still hold: {Reasons}")]
    public static partial void SettingsBroken(ILogger logger, string reasons);

    [LoggerMessage(EventId = 505, Level = LogLevel.Error, Message = "Settings, keys, certificates and models could not all be read anew.")]
    public static partial void ReloadFailed(ILogger logger, Exception exception);
}
