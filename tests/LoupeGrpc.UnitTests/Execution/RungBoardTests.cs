using LoupeGrpc.Execution;
using LoupeGrpc.TestSupport;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace LoupeGrpc.UnitTests.Execution;

/// <summary>What the board says of rungs that are not loaded yet. What engines do on it is tried from outside.</summary>
public sealed class RungBoardTests : IAsyncDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly RungBoard _board;

    public RungBoardTests() =>
        _board = new RungBoard(PlannedRung.Plan(new ExecutionOptions(), TestPackages.Tiny("tiny-s")), _time, NullLogger.Instance);

    public ValueTask DisposeAsync() => _board.DisposeAsync();

    [Fact]
    public void At_first_each_rung_stands_by_and_has_nothing_loaded()
    {
        Assert.Equal(
            [
                new RungReport("TensorRT", RungState.Standby, "", "fp16", "", null, 0),
                new RungReport("CUDA", RungState.Standby, "", "fp16", "", null, 0),
                new RungReport("CPU", RungState.Standby, "", "fp32", "", null, 0),
            ],
            _board.Report());
        Assert.Throws<InvalidOperationException>(() => _board.Engine);
    }

    [Fact]
    public void A_build_is_as_old_as_its_first_phase_and_has_no_age_when_it_is_over()
    {
        _board.Set(_board.Rungs[0], RungState.Preparing, "first");
        _time.Advance(TimeSpan.FromSeconds(3));
        _board.Set(_board.Rungs[0], RungState.Preparing, "second");
        _time.Advance(TimeSpan.FromSeconds(4));
        var before = _board.Report()[0];
        Assert.Equal(("second", TimeSpan.FromSeconds(7)), (before.Reason, before.Elapsed));

        _board.Set(_board.Rungs[0], RungState.Unavailable, "no");
        Assert.Equal((RungState.Unavailable, "no", (TimeSpan?)null), (_board.Report()[0].State, _board.Report()[0].Reason, _board.Report()[0].Elapsed));
        // What was said before stays as it was.
        Assert.Equal((RungState.Preparing, TimeSpan.FromSeconds(7)), (before.State, before.Elapsed));

        _board.Set(_board.Rungs[0], RungState.Preparing, "again");
        Assert.Equal(TimeSpan.Zero, _board.Report()[0].Elapsed);
    }

    [Fact]
    public void When_nothing_is_built_any_more_only_those_change_that_waited_for_it()
    {
        _board.Set(_board.Rungs[0], RungState.Unavailable, "no device");
        _board.Set(_board.Rungs[1], RungState.Preparing, "waiting");
        Assert.Equal([_board.Rungs[1]], _board.FindUnbuilt());

        _board.EndPreparing(RungState.Standby, "a better provider serves");

        Assert.Empty(_board.FindUnbuilt());
        Assert.Equal(["no device", "a better provider serves", ""], _board.Report().Select(static rung => rung.Reason));
        Assert.Equal([RungState.Unavailable, RungState.Standby, RungState.Standby], _board.Report().Select(static rung => rung.State));
    }
}
