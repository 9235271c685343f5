namespace LoupeGrpc.Client.Cli.Inputs;

/// <summary>Takes the first frame of each interval of a stream. Not thread-safe.</summary>
/// <param name="perSecond">Frames a second of the stream's own time; null takes all.</param>
internal sealed class FrameSampler(double? perSecond)
{
    /// <summary>Times are floating point: 2.9999999 belongs to the interval that begins at 3.</summary>
    public const double Tolerance = 1e-6;

    private double _nextInterval;

    /// <param name="seconds">Time of the frame in the stream; never goes back.</param>
    public bool Takes(double seconds)
    {
        if (perSecond is not { } rate)
        {
            return true;
        }

        var interval = Math.Floor((seconds * rate) + Tolerance);
        if (interval < _nextInterval)
        {
            return false;
        }

        _nextInterval = interval + 1;
        return true;
    }
}
