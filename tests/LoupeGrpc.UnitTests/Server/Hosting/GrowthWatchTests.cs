using LoupeGrpc.Server.Hosting;
using Xunit;

namespace LoupeGrpc.UnitTests.Server.Hosting;

public class GrowthWatchTests
{
    private readonly GrowthWatch _watch = new(least: 100, little: 10, quiet: 2);

    [Fact]
    public void What_has_grown_and_stays_so_with_little_held_is_told_until_it_settles()
    {
        Assert.Equal([false, false, false, true, true], Told((0, 200), (0, 299), (10, 300), (0, 310), (0, 310)));
        _watch.Settle(310);
        Assert.Equal([false, false, false, true], Told((0, 310), (0, 409), (0, 410), (0, 410)));
    }

    [Fact]
    public void While_callers_hold_much_it_is_theirs() => Assert.DoesNotContain(true, Told((0, 200), (11, 900), (0, 900), (11, 900), (0, 900)));

    [Fact]
    public void The_least_that_it_ever_was_counts() => Assert.Equal([false, false, false, true], Told((0, 300), (0, 200), (0, 300), (0, 300)));

    private bool[] Told(params (long Held, long Resident)[] samples) => [.. samples.Select(sample => _watch.HasGrown(sample.Held, sample.Resident))];
}
