using LoupeGrpc.Client.Cli.Benching;
using Xunit;

namespace LoupeGrpc.UnitTests.ClientCli.Benching;

public sealed class ArrivalTimesTests
{
    [Fact]
    public void Even_streams_take_turns()
    {
        var all = Enumerable.Range(0, 3).SelectMany(static stream => ArrivalTimes.Even(6, stream, 3).Take(4)).Order();
        Assert.Equal(Enumerable.Range(0, 12).Select(static number => number / 6.0), all, static (a, b) => Math.Abs(a - b) < 1e-12);
    }

    /// <summary>Mean and standard deviation of the times between two frames are both one over the rate.</summary>
    [Fact]
    public void Poisson_times_are_exponentially_apart_and_the_same_for_the_same_seed()
    {
        const int count = 20_000;
        var times = ArrivalTimes.Poisson(10, 1, 2, 7).Take(count).ToList();
        Assert.Equal(times, ArrivalTimes.Poisson(10, 1, 2, 7).Take(count));
        Assert.NotEqual(times, ArrivalTimes.Poisson(10, 0, 2, 7).Take(count));
        var gaps = times.Zip(times.Prepend(0)).Select(static pair => pair.First - pair.Second).ToList();
        var mean = gaps.Average();
        Assert.Equal(0.2, mean, 0.005);
        Assert.Equal(0.2, Math.Sqrt(gaps.Average(gap => (gap - mean) * (gap - mean))), 0.01);
    }
}
