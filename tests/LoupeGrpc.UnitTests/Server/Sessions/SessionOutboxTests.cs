using LoupeGrpc.Engine;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.Server.Sessions.Frames;
using LoupeGrpc.Server.Sessions.Memory;
using Xunit;

namespace LoupeGrpc.UnitTests.Server.Sessions;

/// <summary>Numbered responses: what a call gets, what is kept for the next, what it may claim.</summary>
public class SessionOutboxTests
{
    private const int Credits = 2;

    private readonly object _first = new();
    private readonly object _second = new();

    [Fact]
    public async Task Each_response_is_handed_out_once_and_in_order()
    {
        var outbox = NewOutbox();
        Assert.Null(outbox.Attach(_first, 0));
        outbox.Append(Outcome(0));
        outbox.Append(Event());
        outbox.Append(Outcome(1));
        Assert.Equal(0ul, Sequence((await WriteAsync(outbox, _first))));
        Assert.IsType<SessionNotice>(await WriteAsync(outbox, _first));
        Assert.Equal(1ul, Sequence((await WriteAsync(outbox, _first))));
        var waiting = outbox.NextAsync(_first).AsTask();
        Assert.False(waiting.IsCompleted);
        outbox.Append(Outcome(2));
        Assert.Equal(2ul, Sequence((await waiting.WaitAsync(TestContext.Current.CancellationToken))));
        outbox.Written(_first);
        outbox.Finish(_first);
        Assert.Null(await outbox.NextAsync(_first));
        Assert.True(outbox.Serves(_first));
    }

    [Fact]
    public async Task A_call_that_another_one_replaced_gets_nothing_and_changes_nothing()
    {
        var outbox = NewOutbox();
        Assert.Null(outbox.Attach(_first, 0));
        outbox.Append(Outcome(0));
        outbox.Append(Outcome(1));
        Assert.NotNull(await outbox.NextAsync(_first));

        // While the first write is under way; nobody knows whether it arrives.
        Assert.Null(outbox.Attach(_second, 0));
        outbox.Written(_first);
        outbox.Finish(_first);
        outbox.Release(_first);
        Assert.Null(await outbox.NextAsync(_first));
        Assert.Equal(0ul, Sequence((await WriteAsync(outbox, _second))));
        Assert.Equal(1ul, Sequence((await WriteAsync(outbox, _second))));
    }

    [Fact]
    public async Task A_call_that_waits_learns_that_it_was_replaced_or_released()
    {
        var outbox = NewOutbox();
        Assert.Null(outbox.Attach(_first, 0));
        var first = outbox.NextAsync(_first).AsTask();
        Assert.Null(outbox.Attach(_second, 0));
        Assert.Null(await first.WaitAsync(TestContext.Current.CancellationToken));
        var second = outbox.NextAsync(_second).AsTask();
        outbox.Release(_second);
        Assert.Null(await second.WaitAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task What_was_being_written_may_be_claimed_as_received_and_what_was_not_begun_may_not()
    {
        var outbox = NewOutbox();
        Assert.Null(outbox.Attach(_first, 0));
        outbox.Append(Outcome(0));
        outbox.Append(Outcome(1));
        Assert.NotNull(await outbox.NextAsync(_first));
        Assert.Equal((FailureKind.Invalid, CallStatus.AsTheFailure), StatusOf(outbox.Attach(_second, 2)));
        Assert.True(outbox.Serves(_first));
        Assert.Null(outbox.Attach(_second, 1));
        Assert.Equal(1ul, Sequence((await WriteAsync(outbox, _second))));
    }

    [Fact]
    public async Task As_many_outcomes_are_kept_as_there_are_credits_and_what_lies_between_them()
    {
        var outbox = NewOutbox();
        Assert.Null(outbox.Attach(_first, 0));
        for (ulong sequence = 0; sequence < 4; sequence++)
        {
            outbox.Append(Outcome(sequence));
            outbox.Append(Event());
            Assert.NotNull(await WriteAsync(outbox, _first));
            Assert.NotNull(await WriteAsync(outbox, _first));
        }

        // Who has the outcome of all but the last two may lack the event behind the last that it has.
        Assert.Equal((FailureKind.Invalid, CallStatus.OutOfRange), StatusOf(outbox.Attach(_second, 2)));
        Assert.Null(outbox.Attach(_second, 3));
        Assert.IsType<SessionNotice>(await WriteAsync(outbox, _second));
        Assert.Equal(2ul, Sequence((await WriteAsync(outbox, _second))));
    }

    [Fact]
    public async Task Replies_without_outcomes_are_kept_in_bounds_too()
    {
        var outbox = NewOutbox();
        Assert.Null(outbox.Attach(_first, 0));
        for (int i = 0; i < 100; i++)
        {
            outbox.Append(new CommandAnswer(0, null, null, VerdictThresholds.Default, default));
            Assert.NotNull(await WriteAsync(outbox, _first));
        }

        Assert.Equal((FailureKind.Invalid, CallStatus.OutOfRange), StatusOf(outbox.Attach(_second, 50)));
        Assert.Null(outbox.Attach(_second, 98));
    }

    [Fact]
    public async Task Bytes_are_bounded_but_never_at_the_cost_of_what_was_not_written()
    {
        var large = new FrameAnswer(0, 0, new FrameEnd.Failed(new FrameFailure(FailureKind.Invalid, new string('x', 1000))));
        var outbox = NewOutbox(maxKeptBytes: large.Bytes * 3 / 2);
        Assert.Null(outbox.Attach(_first, 0));
        outbox.Append(large);
        outbox.Append(large);
        outbox.Append(large);
        Assert.NotNull(await WriteAsync(outbox, _first));
        Assert.Null(outbox.Attach(_first, 0));
        Assert.NotNull(await WriteAsync(outbox, _first));
        Assert.NotNull(await WriteAsync(outbox, _first));
        Assert.Equal((FailureKind.Invalid, CallStatus.OutOfRange), StatusOf(outbox.Attach(_second, 0)));
        Assert.Null(outbox.Attach(_second, 1));
        Assert.NotNull(await WriteAsync(outbox, _second));
        Assert.NotNull(await WriteAsync(outbox, _second));
    }

    [Fact]
    public async Task A_session_that_ends_with_its_call_keeps_nothing()
    {
        var outbox = new SessionOutbox(Credits, keeps: false, long.MaxValue, new ResponseMemory(1 << 20), TimeProvider.System);
        Assert.Null(outbox.Attach(_first, 0));
        outbox.Append(Outcome(0));
        Assert.NotNull(await WriteAsync(outbox, _first));
        Assert.Equal((FailureKind.Invalid, CallStatus.OutOfRange), StatusOf(outbox.Attach(_second, 0)));
    }

    [Fact]
    public async Task Credits_come_back_with_written_answers_and_a_new_call_has_those_it_lacks_to_wait_for()
    {
        var outbox = NewOutbox();
        Assert.Null(outbox.Attach(_first, 0));
        outbox.TakeCredit();
        await outbox.WaitForCreditAsync(TestContext.Current.CancellationToken);
        outbox.TakeCredit();
        var third = outbox.WaitForCreditAsync(TestContext.Current.CancellationToken).AsTask();
        outbox.Append(Event());
        outbox.Append(Outcome(0));
        Assert.NotNull(await WriteAsync(outbox, _first));
        Assert.False(third.IsCompleted);
        Assert.NotNull(await WriteAsync(outbox, _first));
        await third.WaitAsync(TestContext.Current.CancellationToken);

        // Neither the event nor the outcome arrived.
        Assert.Null(outbox.Attach(_second, 0));
        var again = outbox.WaitForCreditAsync(TestContext.Current.CancellationToken).AsTask();
        Assert.NotNull(await WriteAsync(outbox, _second));
        Assert.False(again.IsCompleted);
        Assert.NotNull(await WriteAsync(outbox, _second));
        await again.WaitAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Responses_are_charged_until_they_are_forgotten()
    {
        var memory = new ResponseMemory(1 << 20);
        var outbox = new SessionOutbox(Credits, keeps: true, long.MaxValue, memory, TimeProvider.System);
        Assert.Null(outbox.Attach(_first, 0));
        var outcome = Outcome(0);
        outbox.Charge(outcome);
        Assert.Equal(outcome.Bytes, memory.Held);
        outbox.Append(outcome, isCharged: true);
        Assert.Equal(outcome.Bytes, memory.Held);
        outbox.Append(Event());
        Assert.Equal(outcome.Bytes + Event().Bytes, memory.Held);
        await WriteAsync(outbox, _first);
        await WriteAsync(outbox, _first);
        Assert.Equal(outcome.Bytes + Event().Bytes, memory.Held);
        outbox.ForgetWritten();
        Assert.Equal(0, memory.Held);

        // Who lacks them cannot come back, who has them can.
        Assert.Equal(CallStatus.OutOfRange, outbox.Attach(_second, 1)!.Status);
        Assert.Null(outbox.Attach(_second, 2));
        outbox.Append(Outcome(1));
        outbox.ForgetAll();
        outbox.Append(Outcome(2));
        Assert.Equal(0, memory.Held);
    }

    [Fact]
    public async Task Who_has_something_to_write_is_held_while_there_is_too_much()
    {
        var memory = new ResponseMemory(8 * Outcome(0).Bytes);
        var reads = new SessionOutbox(Credits, keeps: false, 0, memory, TimeProvider.System);
        var readsNot = new SessionOutbox(Credits, keeps: false, 0, memory, TimeProvider.System);
        Assert.Null(reads.Attach(_first, 0));
        Assert.Null(readsNot.Attach(_second, 0));
        readsNot.Append(Outcome(0));
        Assert.False(readsNot.IsHeld);

        // More than its own share.
        readsNot.Append(Outcome(1));
        Assert.True(readsNot.IsHeld);
        Assert.False(memory.IsOver);
        reads.Append(Outcome(0));
        Assert.False(reads.IsHeld);

        // More than there is for all: only who has written everything goes on.
        memory.Add(memory.Limit);
        Assert.True(reads.IsHeld);
        reads.TakeCredit();
        await WriteAsync(reads, _first);
        Assert.False(reads.IsHeld);
        await reads.WaitForCreditAsync(TestContext.Current.CancellationToken);
        Assert.False(readsNot.WaitForCreditAsync(TestContext.Current.CancellationToken).AsTask().IsCompleted);
    }

    private static SessionOutbox NewOutbox(long maxKeptBytes = long.MaxValue) => new(Credits, keeps: true, maxKeptBytes, new ResponseMemory(1 << 20), TimeProvider.System);

    private static FrameAnswer Outcome(ulong sequence) => new(sequence, sequence, new FrameEnd.Dropped(DropCause.Stale, TimeSpan.Zero));

    private static SessionNotice Event() => new(NoticeKind.AdaptationFrozen, string.Empty);

    private static ulong Sequence(SessionResponse? response) => Assert.IsType<FrameAnswer>(response).Sequence;

    private static (FailureKind, CallStatus) StatusOf(CallFailure? refusal) => (refusal!.Failure.Kind, refusal.Status);

    private static async Task<SessionResponse?> WriteAsync(SessionOutbox outbox, object call)
    {
        var response = await outbox.NextAsync(call);
        outbox.Written(call);
        return response;
    }
}
