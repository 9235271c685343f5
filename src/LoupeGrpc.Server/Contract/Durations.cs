using Google.Protobuf.WellKnownTypes;

namespace LoupeGrpc.Server.Contract;

/// <summary>Times of the contract that come from outside and may be anything.</summary>
internal static class Durations
{
    private const int NanosecondsPerSecond = 1_000_000_000;

    /// <summary>False where it is not positive or no duration at all.</summary>
    public static bool TryReadPositive(Duration duration, out TimeSpan value)
    {
        value = default;
        if (duration.Seconds is < 0 or > Duration.MaxSeconds || duration.Nanos is < 0 or >= NanosecondsPerSecond)
        {
            return false;
        }

        value = duration.ToTimeSpan();
        // A duration below a tick is above zero all the same.
        value = value == TimeSpan.Zero && duration.Nanos > 0 ? TimeSpan.FromTicks(1) : value;
        return value > TimeSpan.Zero;
    }

    public static bool IsValid(Timestamp time) =>
        time.Nanos is >= 0 and < NanosecondsPerSecond
        && time.Seconds >= DateTimeOffset.MinValue.ToUnixTimeSeconds()
        && time.Seconds <= DateTimeOffset.MaxValue.ToUnixTimeSeconds();
}
