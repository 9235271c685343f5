namespace LoupeGrpc.Client.Cli.Inputs.Video;

/// <summary>
/// The time of a live stream since its first frame. It follows the stream's own times, which say when a frame was filmed, and the wall clock where those
/// jump: after a break they begin anew. Never goes back. Not thread-safe.
/// </summary>
/// <param name="time">The wall clock.</param>
internal sealed class LiveClock(TimeProvider time)
{
    /// <summary>Seconds. A longer pause in a stream's own times is believed only as far as it was seen.</summary>
    private const double LongestPause = 10;

    private long? _first;
    private double? _last;
    private double _now;

    /// <summary>When the first frame came.</summary>
    public DateTimeOffset Started { get; private set; }

    /// <param name="seconds">The stream's own time of its next frame.</param>
    /// <returns>Seconds since the first frame, to the microsecond.</returns>
    public double Advance(double seconds)
    {
        if (_first is not { } first)
        {
            (_first, Started) = (time.GetTimestamp(), time.GetUtcNow());
        }
        else if (seconds - _last is { } step and > -LongestPause and <= LongestPause)
        {
            _now += Math.Max(0, step);
        }
        else
        {
            _now = Math.Max(_now, time.GetElapsedTime(first).TotalSeconds);
        }

        _last = seconds;
        return Math.Round(_now, 6);
    }

    /// <summary>The next frame's time stands in no relation to the last one's.</summary>
    public void Restart() => _last = null;
}
