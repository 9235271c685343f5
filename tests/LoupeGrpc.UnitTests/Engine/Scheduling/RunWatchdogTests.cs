using LoupeGrpc.Engine.Scheduling;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine.Scheduling;

public sealed class RunWatchdogTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly FakeTimeProvider _time = new();
    private readonly List<string> _hangs = [];

    [Fact]
    public void A_run_may_take_a_multiple_of_what_runs_of_its_size_have_taken()
    {
        var watch = NewWatchdog(factor: 10, least: Second).Watch("encoder");
        Take(watch, rows: 1, Second);
        Take(watch, rows: 8, 4 * Second);

        Assert.Equal(0, HangsAfter(watch, rows: 1, 9.9));
        Assert.Equal(1, HangsAfter(watch, rows: 1, 10));
        Assert.Equal(0, HangsAfter(watch, rows: 8, 39.9));
        Assert.Equal(1, HangsAfter(watch, rows: 8, 40));
        Assert.Equal("a run of the encoder has not ended after 40 s (Loupe:Engine:RunTimeoutFactor, Loupe:Engine:MinRunTimeout)", _hangs[^1]);
    }

    [Fact]
    public void A_short_run_may_take_the_least_limit()
    {
        var watch = NewWatchdog(factor: 10, least: 30 * Second).Watch("encoder");
        Take(watch, rows: 1, TimeSpan.FromMilliseconds(1));

        Assert.Equal(0, HangsAfter(watch, rows: 1, 29.9));
        Assert.Equal(1, HangsAfter(watch, rows: 1, 30));
    }

    [Fact]
    public void A_machine_that_slept_finds_its_run_at_work_and_waits_for_half_of_the_limit_more()
    {
        var watch = NewWatchdog(factor: 10, least: 30 * Second).Watch("encoder");
        using (watch.Begin(1))
        {
            _time.Advance(TimeSpan.FromHours(8));
            _time.Advance(14 * Second);
            Assert.Empty(_hangs);
            _time.Advance(Second);
            Assert.Single(_hangs);
        }
    }

    [Fact]
    public void A_run_is_overdue_from_half_of_its_limit_until_it_ends()
    {
        var watchdog = NewWatchdog(factor: 10, least: 30 * Second);
        var watch = watchdog.Watch("encoder");
        using (watch.Begin(1))
        {
            _time.Advance(TimeSpan.FromSeconds(14.9));
            Assert.False(watchdog.IsOverdue);
            _time.Advance(TimeSpan.FromSeconds(0.1));
            Assert.True(watchdog.IsOverdue);
            using (watch.Begin(1))
            {
            }

            Assert.True(watchdog.IsOverdue);
        }

        Assert.False(watchdog.IsOverdue);
        Assert.Empty(_hangs);
    }

    [Fact]
    public void Nothing_is_given_up_before_it_is_armed_nor_without_a_factor()
    {
        var unarmed = new RunWatchdog(factor: 10, least: Second, _time);
        var off = NewWatchdog(factor: 0, least: Second);

        Assert.Equal(0, HangsAfter(unarmed.Watch("encoder"), rows: 1, 1000));
        Assert.Equal(0, HangsAfter(off.Watch("encoder"), rows: 1, 1000));
    }

    private RunWatchdog NewWatchdog(double factor, TimeSpan least)
    {
        var watchdog = new RunWatchdog(factor, least, _time);
        watchdog.Arm(_hangs.Add);
        return watchdog;
    }

    private void Take(LoupeGrpc.Engine.Execution.IRunWatch watch, int rows, TimeSpan time)
    {
        for (int i = 0; i < 15; i++)
        {
            using (watch.Begin(rows))
            {
                _time.Advance(time);
            }
        }
    }

    /// <returns>How often a run that lasts so long is said to hang. The median of the runs stays what it was.</returns>
    private int HangsAfter(LoupeGrpc.Engine.Execution.IRunWatch watch, int rows, double seconds)
    {
        int before = _hangs.Count;
        using (watch.Begin(rows))
        {
            // In two steps: each is a look.
            _time.Advance(TimeSpan.FromSeconds(seconds / 2));
            _time.Advance(TimeSpan.FromSeconds(seconds / 2));
        }

        return _hangs.Count - before;
    }
}
