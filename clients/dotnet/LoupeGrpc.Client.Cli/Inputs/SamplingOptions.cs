namespace LoupeGrpc.Client.Cli.Inputs;

/// <summary>Which frames of a stream are taken.</summary>
/// <param name="PerSecond">At most so many a second of the stream's own time; null takes all.</param>
/// <param name="MaxFrames">At most so many in all.</param>
/// <param name="Time">Clock of live sources, and of the start of the others.</param>
internal sealed record SamplingOptions(double? PerSecond, long MaxFrames, TimeProvider Time)
{
    /// <summary>How many frames of a source will be taken; null when that is not known.</summary>
    public long? CountOf(long? frames, double? framesPerSecond)
    {
        var taken = PerSecond is { } rate && framesPerSecond is { } fps && rate < fps
            ? (long?)Math.Ceiling((frames ?? 0) / fps * rate)
            : frames;
        return frames is null ? (MaxFrames == long.MaxValue ? null : MaxFrames) : Math.Min(taken!.Value, MaxFrames);
    }
}
