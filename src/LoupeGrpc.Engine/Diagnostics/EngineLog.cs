using Microsoft.Extensions.Logging;

namespace LoupeGrpc.Engine.Diagnostics;

internal static partial class EngineLog
{
    [LoggerMessage(1, LogLevel.Information, "Model {Name}@{Hash} runs on {Provider} in {Precision}: loaded and checked in {Seconds:0.00} s", EventName = "ModelReady")]
    public static partial void ModelReady(ILogger logger, string name, string hash, string provider, string precision, double seconds);

    [LoggerMessage(2, LogLevel.Error, "The model failed in the {Stage} stage", EventName = "RunFailed")]
    public static partial void RunFailed(ILogger logger, string stage, Exception exception);

    [LoggerMessage(3, LogLevel.Error, "The {Stage} stage failed", EventName = "StageFailed")]
    public static partial void StageFailed(ILogger logger, string stage, Exception exception);

    [LoggerMessage(
        4,
        LogLevel.Warning,
        "{Provider} has no memory for {Frames} frames at once ({Stage}): at most {Largest} from now on",
        EventName = "BatchHalved")]
    public static partial void BatchHalved(ILogger logger, string provider, string stage, int frames, int largest);

    [LoggerMessage(5, LogLevel.Error, "{Provider} was lost: {Reason}", EventName = "DeviceLost")]
    public static partial void DeviceLost(ILogger logger, string provider, string reason);

    [LoggerMessage(
        6,
        LogLevel.Warning,
        "There was not enough memory for a frame in the {Stage} stage: Loupe:Engine:MaxBytesInPipeline bounds all frames together, Loupe:Limits:MaxPixels a single one",
        EventName = "FrameWithoutMemory")]
    public static partial void FrameWithoutMemory(ILogger logger, string stage, Exception exception);

    [LoggerMessage(
        7, LogLevel.Warning, "A thread of the {Stage} stage has not ended: it is left behind, with the memory that it uses", EventName = "ThreadLeftBehind")]
    public static partial void ThreadLeftBehind(ILogger logger, string stage);

    [LoggerMessage(
        8,
        LogLevel.Information,
        "{Name} gives different bits on one thread and on several, so every run uses all threads. Convert the package again to avoid this",
        EventName = "RunsNotSpread")]
    public static partial void RunsNotSpread(ILogger logger, string name);

    [LoggerMessage(
        9,
        LogLevel.Warning,
        "The operators for the CPU are not there, so {Name} runs without them and takes longer: {Reason}",
        EventName = "OperatorsMissing")]
    public static partial void OperatorsMissing(ILogger logger, string name, string reason);
}
