using LoupeGrpc.Client.Cli.Inputs.Video;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace LoupeGrpc.UnitTests.ClientCli.Video;

public class LiveClockTests
{
    [Fact]
    public void Time_follows_the_stream_and_over_a_break_the_wall()
    {
        var wall = new FakeTimeProvider();
        var clock = new LiveClock(wall);

        Assert.Equal(0, clock.Advance(1234.5));
        wall.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal(0.1, clock.Advance(1234.6));
        Assert.Equal(4.1, clock.Advance(1238.6));

        // A camera that starts anew counts from its own beginning.
        wall.Advance(TimeSpan.FromSeconds(60));
        clock.Restart();
        Assert.Equal(63, clock.Advance(0));
        Assert.Equal(63.04, clock.Advance(0.04));
    }

    [Fact]
    public void Time_never_goes_back()
    {
        var wall = new FakeTimeProvider();
        var clock = new LiveClock(wall);
        clock.Advance(0);

        Assert.Equal(0.5, clock.Advance(0.5));
        Assert.Equal(0.5, clock.Advance(0.4));
        Assert.Equal(0.6, clock.Advance(0.5));

        // A jump that nobody can have filmed.
        wall.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(2, clock.Advance(90_000));
    }
}
