using Microsoft.Extensions.Logging;

namespace LoupeGrpc.Execution;

/// <summary>Events 400 to 499.</summary>
internal static partial class LadderLog
{
    /// <param name="device">Empty where there is nothing to name.</param>
    public static void Serves(ILogger logger, string provider, string precision, string device)
    {
        if (device.Length > 0)
        {
            ServesOn(logger, provider, precision, device);
        }
        else
        {
            Serves(logger, provider, precision);
        }
    }

    [LoggerMessage(EventId = 400, Level = LogLevel.Information, Message = "{Provider} serves in {Precision}.")]
    private static partial void Serves(ILogger logger, string provider, string precision);

    [LoggerMessage(EventId = 401, Level = LogLevel.Warning, Message = "{Provider} in {Precision} does not serve: {Reason}")]
    public static partial void RungLeft(ILogger logger, string provider, string precision, string reason);

    /// <param name="level">A warning where somebody asked for them.</param>
    [LoggerMessage(EventId = 413, Message = "Not in this build, which was made with the CPU-only package of ONNX Runtime: {Providers}.")]
    public static partial void NotInBuild(ILogger logger, LogLevel level, string providers);

    /// <param name="processor">What it has, as a sentence.</param>
    [LoggerMessage(EventId = 414, Level = LogLevel.Information, Message = "The package has int8, and the CPU is to run {Precision}. {Processor}")]
    public static partial void CpuPrecisionChosen(ILogger logger, string precision, string processor);

    /// <param name="processor">What it has, as a sentence.</param>
    [LoggerMessage(EventId = 415, Level = LogLevel.Information, Message = "The package has int8, and the CPU is to run {Precision}, as Loupe:Execution:CPU:Precision says. {Processor}")]
    public static partial void CpuPrecisionSet(ILogger logger, string precision, string processor);

    [LoggerMessage(EventId = 402, Level = LogLevel.Information, Message = "{Provider} in {Precision} has no engines yet; building them now.")]
    public static partial void BuildBegins(ILogger logger, string provider, string precision);

    [LoggerMessage(EventId = 403, Level = LogLevel.Information, Message = "The engines of {Provider} in {Precision} were built in {Seconds:F1} s.")]
    public static partial void Built(ILogger logger, string provider, string precision, double seconds);

    [LoggerMessage(EventId = 404, Level = LogLevel.Information, Message = "{Provider} was freed: its last session has left.")]
    public static partial void Freed(ILogger logger, string provider);

    [LoggerMessage(EventId = 405, Level = LogLevel.Critical, Message = "The device of {Provider} is lost; the server is shutting down: {Reason}")]
    public static partial void DeviceLost(ILogger logger, string provider, string reason);

    [LoggerMessage(EventId = 406, Level = LogLevel.Warning, Message = "The engines in {Directory} cannot be used and will be built again: {Reason}")]
    public static partial void CacheDiscarded(ILogger logger, string directory, string reason);

    [LoggerMessage(EventId = 407, Level = LogLevel.Warning, Message = "{Directory} cannot be removed: {Reason}")]
    public static partial void CacheNotRemoved(ILogger logger, string directory, string reason);

    [LoggerMessage(EventId = 408, Level = LogLevel.Error, Message = "Preparing a better execution provider failed; the one that serves goes on.")]
    public static partial void ClimbingFailed(ILogger logger, Exception exception);

    [LoggerMessage(EventId = 409, Level = LogLevel.Information, Message = "{Provider} in {Precision}: {Phase}")]
    public static partial void Building(ILogger logger, string provider, string precision, string phase);

    [LoggerMessage(EventId = 410, Level = LogLevel.Information, Message = "{Provider} serves in {Precision} on {Device}.")]
    private static partial void ServesOn(ILogger logger, string provider, string precision, string device);

    [LoggerMessage(EventId = 411, Level = LogLevel.Error, Message = "The engine on {Provider} could not be freed.")]
    public static partial void NotFreed(ILogger logger, string provider, Exception exception);

    [LoggerMessage(EventId = 412, Level = LogLevel.Critical, Message = "The device of {Provider} can no longer be watched; the server is shutting down.")]
    public static partial void WatchFailed(ILogger logger, string provider, Exception exception);
}
