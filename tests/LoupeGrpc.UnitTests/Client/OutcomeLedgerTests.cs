using Google.Protobuf.WellKnownTypes;
using LoupeGrpc.Client;
using LoupeGrpc.Client.Internal;
using LoupeGrpc.V1;
using Xunit;

namespace LoupeGrpc.UnitTests.Client;

public class OutcomeLedgerTests
{
    [Fact]
    public void Outcomes_leave_in_the_order_of_entering_whatever_order_they_come_in()
    {
        var ledger = new OutcomeLedger(ordered: true);
        ledger.TryEnter(10, out _);
        ledger.TryEnterFailed(11, LoupeFailureCode.TooLarge, "too large");
        ledger.TryEnter(12, out _);

        Assert.True(ledger.TrySettle(Answer(1)));
        Assert.Empty(Taken(ledger));
        Assert.True(ledger.TrySettle(Answer(0)));

        var outcomes = Taken(ledger);
        Assert.Equal([10UL, 11UL, 12UL], outcomes.Select(outcome => outcome.FrameId));
        Assert.Equal([0L, 1L, 2L], outcomes.Select(outcome => outcome.Index));
        Assert.Equal(LoupeFailureCode.TooLarge, Assert.IsType<LoupeFailed>(outcomes[1]).Code);
    }

    [Theory]
    [InlineData(-5, 0, 0)]
    [InlineData(0, -5, 0)]
    [InlineData(1, 500_000_000, 1.5)]
    [InlineData(1, int.MaxValue, 3.147483647)]
    [InlineData(long.MaxValue, 0, 315_576_000_000)]
    public void A_duration_that_cannot_be_costs_no_frame_its_outcome(long seconds, int nanos, double expected)
    {
        var ledger = new OutcomeLedger(ordered: true);
        ledger.TryEnter(10, out _);

        Assert.True(ledger.TrySettle(new FrameOutcome { Dropped = new Dropped { Age = new Duration { Seconds = seconds, Nanos = nanos } } }));

        Assert.Equal(expected, Assert.IsType<LoupeDropped>(Assert.Single(Taken(ledger))).Age.TotalSeconds, 6);
    }

    [Fact]
    public void Unordered_outcomes_leave_as_they_come()
    {
        var ledger = new OutcomeLedger(ordered: false);
        ledger.TryEnter(10, out _);
        ledger.TryEnter(10, out _);

        ledger.TrySettle(Answer(1));

        Assert.Equal(1, Assert.Single(Taken(ledger)).Index);
    }

    [Fact]
    public void An_outcome_counts_once_and_only_for_a_frame_that_waits()
    {
        var ledger = new OutcomeLedger(ordered: true);
        ledger.TryEnter(10, out _);

        Assert.False(ledger.TrySettle(Answer(1)));
        Assert.True(ledger.TrySettle(Answer(0)));
        Assert.False(ledger.TrySettle(Answer(0)));
        Assert.Single(Taken(ledger));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Closing_ends_what_waits_once_and_lets_nothing_in(bool ordered)
    {
        var ledger = new OutcomeLedger(ordered);
        ledger.TryEnter(10, out _);
        ledger.TryEnter(11, out _);
        ledger.TryEnter(12, out _);
        ledger.TrySettle(Answer(1));

        ledger.Close(LoupeFailureCode.ConnectionLost, "gone");
        ledger.Close(LoupeFailureCode.Canceled, "later");

        Assert.False(ledger.TryEnter(13, out _));
        Assert.False(ledger.TryEnterFailed(14, LoupeFailureCode.TooLarge, ""));
        Assert.False(ledger.TrySettle(Answer(0)));
        var outcomes = Taken(ledger);
        Assert.Equal([0L, 1L, 2L], outcomes.Select(outcome => outcome.Index).Order());
        Assert.IsType<LoupeResult>(outcomes.Single(outcome => outcome.Index == 1));
        Assert.All(
            outcomes.Where(outcome => outcome.Index != 1),
            outcome => Assert.Equal((LoupeFailureCode.ConnectionLost, "gone"), (((LoupeFailed)outcome).Code, ((LoupeFailed)outcome).Message)));
        Assert.True(ledger.Outcomes.Completion.IsCompletedSuccessfully);
    }

    [Fact]
    public void Every_kind_of_answer_becomes_its_outcome()
    {
        var ledger = new OutcomeLedger(ordered: true);
        for (ulong i = 0; i < 4; i++)
        {
            ledger.TryEnter(i, out _);
        }

        ledger.TrySettle(new FrameOutcome
        {
            Sequence = 0,
            Dropped = new Dropped { Reason = DropReason.Stale, Age = new() { Seconds = 2 } },
        });
        ledger.TrySettle(new FrameOutcome { Sequence = 1, Expired = new Expired { Age = new() { Seconds = 3 }, Deadline = new() { Seconds = 1 } } });
        ledger.TrySettle(new FrameOutcome { Sequence = 2, Failed = new Failed { Code = (FailureCode)999, Message = "from the future" } });
        ledger.TrySettle(new FrameOutcome { Sequence = 3 });

        var outcomes = Taken(ledger);
        Assert.Equal((DropReason.Stale, TimeSpan.FromSeconds(2)), (((LoupeDropped)outcomes[0]).Reason, ((LoupeDropped)outcomes[0]).Age));
        Assert.Equal((TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(1)), (((LoupeExpired)outcomes[1]).Age, ((LoupeExpired)outcomes[1]).Deadline));
        Assert.Equal((LoupeFailureCode.Internal, "from the future"), (((LoupeFailed)outcomes[2]).Code, ((LoupeFailed)outcomes[2]).Message));
        Assert.Equal(LoupeFailureCode.Internal, ((LoupeFailed)outcomes[3]).Code);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_frame_that_never_arrived_is_withdrawn_and_those_behind_it_move_up(bool ordered)
    {
        var ledger = new OutcomeLedger(ordered);
        for (ulong id = 10; id < 15; id++)
        {
            ledger.TryEnter(id, out _);
        }

        ledger.TrySettle(Answer(0));
        ledger.Withdraw(1, LoupeFailureCode.ConnectionLost, "too large for the way");
        ledger.Withdraw(9, LoupeFailureCode.ConnectionLost, "not there");
        Assert.True(ledger.TryEnter(15, out var next));
        Assert.Equal(4UL, next);
        for (ulong sequence = 1; sequence < 5; sequence++)
        {
            Assert.True(ledger.TrySettle(Answer(sequence)));
        }

        var outcomes = Taken(ledger);
        Assert.Equal([10UL, 11, 12, 13, 14, 15], outcomes.Select(outcome => outcome.FrameId));
        Assert.Equal([0UL, null, 1, 2, 3, 4], outcomes.Select(outcome => outcome.Sequence));
        Assert.Equal("too large for the way", Assert.IsType<LoupeFailed>(outcomes[1]).Message);
        Assert.True(ledger.IsIdle);
    }

    private static FrameOutcome Answer(ulong sequence) => new() { Sequence = sequence, Result = new FrameResult() };

    private static List<LoupeOutcome> Taken(OutcomeLedger ledger)
    {
        var outcomes = new List<LoupeOutcome>();
        while (ledger.Outcomes.TryRead(out var outcome))
        {
            outcomes.Add(outcome);
        }

        return outcomes;
    }
}
