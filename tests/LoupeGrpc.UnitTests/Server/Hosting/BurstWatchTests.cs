using LoupeGrpc.Server.Hosting;
using Xunit;

namespace LoupeGrpc.UnitTests.Server.Hosting;

public class BurstWatchTests
{
    private readonly BurstWatch _watch = new(100, quiet: 2);

    [Fact]
    public void A_burst_is_over_when_little_is_left_of_it_for_a_while() =>
        Assert.Equal([false, false, false, false, false, true, false, false], Told(10, 400, 100, 101, 100, 0, 0, 0));

    [Fact]
    public void Little_is_never_a_burst() => Assert.DoesNotContain(true, Told(99, 0, 0, 0, 0));

    [Fact]
    public void What_goes_on_is_not_over() => Assert.DoesNotContain(true, Told(400, 90, 300, 90, 300, 90));

    private bool[] Told(params long[] samples) => [.. samples.Select(_watch.IsOver)];
}
