using Google.Protobuf.WellKnownTypes;
using LoupeGrpc.Server.Contract;
using Xunit;

namespace LoupeGrpc.UnitTests.Server.Contract;

public class DurationsTests
{
    [Theory]
    [InlineData(1, 500_000_000, 15_000_000)]
    [InlineData(0, 100, 1)]
    [InlineData(0, 1, 1)]
    [InlineData(Duration.MaxSeconds, 0, Duration.MaxSeconds * TimeSpan.TicksPerSecond)]
    public void A_positive_duration_is_read(long seconds, int nanos, long ticks)
    {
        Assert.True(Durations.TryReadPositive(new Duration { Seconds = seconds, Nanos = nanos }, out var value));
        Assert.Equal(ticks, value.Ticks);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(-1, 0)]
    [InlineData(0, -1)]
    [InlineData(1, -1)]
    [InlineData(1, 1_000_000_000)]
    [InlineData(long.MaxValue, 0)]
    [InlineData(long.MinValue, int.MinValue)]
    public void Anything_else_is_refused(long seconds, int nanos) =>
        Assert.False(Durations.TryReadPositive(new Duration { Seconds = seconds, Nanos = nanos }, out _));

    [Theory]
    [InlineData(0, 0, true)]
    [InlineData(253_402_300_799, 999_999_999, true)]
    [InlineData(253_402_300_800, 0, false)]
    [InlineData(long.MinValue, 0, false)]
    [InlineData(0, -1, false)]
    public void A_time_is_within_the_calendar(long seconds, int nanos, bool valid) =>
        Assert.Equal(valid, Durations.IsValid(new Timestamp { Seconds = seconds, Nanos = nanos }));
}
