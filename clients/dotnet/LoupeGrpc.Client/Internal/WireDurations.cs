using Google.Protobuf.WellKnownTypes;

namespace LoupeGrpc.Client.Internal;

/// <summary>Durations as a server sends them. Protobuf's own conversion throws where a message holds none that can be, and a frame would lose its outcome to that.</summary>
internal static class WireDurations
{
    private const int NanosecondsPerTick = 100;

    /// <returns>Zero where there is none, or what is there is below zero; the longest there is where it is too long.</returns>
    public static TimeSpan Read(Duration? duration) => duration switch
    {
        null or { Seconds: < 0 } => TimeSpan.Zero,
        { Seconds: > Duration.MaxSeconds } => TimeSpan.FromSeconds(Duration.MaxSeconds),
        _ => TimeSpan.FromSeconds(duration.Seconds) + TimeSpan.FromTicks(Math.Max(0, duration.Nanos) / NanosecondsPerTick),
    };
}
