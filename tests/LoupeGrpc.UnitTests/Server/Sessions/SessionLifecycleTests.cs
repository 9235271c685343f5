using LoupeGrpc.Server.Sessions;
using Xunit;

namespace LoupeGrpc.UnitTests.Server.Sessions;

public class SessionLifecycleTests
{
    [Fact]
    public void Every_state_is_reached_and_only_the_end_is_final()
    {
        var states = Enum.GetValues<SessionState>();
        var reached = new HashSet<SessionState> { SessionState.Opened };
        while (SessionLifecycle.Changes.Any(change => reached.Contains(change.From) && reached.Add(change.To)))
        {
        }

        Assert.Equal(states.ToHashSet(), reached);
        Assert.Equal(
            [SessionState.Ended],
            states.Where(static state => !SessionLifecycle.Changes.Any(change => change.From == state && change.To != state)));
    }

    [Theory]
    [InlineData(nameof(SessionState.Parked), nameof(SessionState.Ending))]
    [InlineData(nameof(SessionState.Ending), nameof(SessionState.Serving))]
    [InlineData(nameof(SessionState.Ending), nameof(SessionState.Parked))]
    [InlineData(nameof(SessionState.Parked), nameof(SessionState.Opened))]
    [InlineData(nameof(SessionState.Ended), nameof(SessionState.Serving))]
    [InlineData(nameof(SessionState.Ended), nameof(SessionState.Ended))]
    public void A_change_that_is_not_in_the_table_changes_nothing(string from, string to)
    {
        var lifecycle = Reach(Enum.Parse<SessionState>(from));
        Assert.False(lifecycle.TryMove(Enum.Parse<SessionState>(to)));
        Assert.Equal(Enum.Parse<SessionState>(from), lifecycle.State);
        Assert.Throws<InvalidOperationException>(() => lifecycle.Move(Enum.Parse<SessionState>(to)));
    }

    [Fact]
    public void A_session_is_served_parked_taken_over_ended_and_never_again()
    {
        var lifecycle = new SessionLifecycle();
        SessionState[] life =
            [SessionState.Serving, SessionState.Parked, SessionState.Serving, SessionState.Serving, SessionState.Ending, SessionState.Ending, SessionState.Ended];
        Assert.All(life, state => Assert.True(lifecycle.TryMove(state)));
        Assert.All(Enum.GetValues<SessionState>(), state => Assert.False(lifecycle.TryMove(state)));
    }

    private static SessionLifecycle Reach(SessionState state)
    {
        var lifecycle = new SessionLifecycle();
        SessionState[] way = state switch
        {
            SessionState.Opened => [],
            SessionState.Parked => [SessionState.Serving, SessionState.Parked],
            SessionState.Ending => [SessionState.Serving, SessionState.Ending],
            SessionState.Ended => [SessionState.Ended],
            _ => [SessionState.Serving],
        };
        Assert.All(way, step => Assert.True(lifecycle.TryMove(step)));
        return lifecycle;
    }
}
