using LoupeGrpc.Engine;
using LoupeGrpc.Server.Models;
using LoupeGrpc.Server.Sessions.Frames;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace LoupeGrpc.UnitTests.Server.Sessions;

/// <summary>Who enters the engine next: shares, order within a session, freshness, deadlines. No clock but the test's.</summary>
public sealed class FrameSchedulerTests : IDisposable
{
    private static readonly FlowPolicy EveryFrame = new(false, null);
    private static readonly FlowPolicy Freshest = new(true, null);

    private readonly FakeTimeProvider _time = new();
    private readonly List<TestFrame> _entered = [];
    private readonly FrameScheduler _scheduler;
    private readonly ModelLoad _load;
    private int _depth = 1;
    private int _urgentPlaces;

    public FrameSchedulerTests()
    {
        _scheduler = new FrameScheduler(_time, NullLogger<FrameScheduler>.Instance);
        _load = new ModelLoad(() => new FrameCapacity(_depth, Heavy: 1, _urgentPlaces));
    }

    public void Dispose() => _scheduler.Dispose();

    [Fact]
    public void Frames_of_a_session_enter_in_their_order_and_no_more_than_there_is_room_for()
    {
        _depth = 2;
        var flow = new FrameFlow(_load, EveryFrame, () => 8);
        var frames = Enqueue(flow, "a", 5);
        Assert.Equal(["a0", "a1"], Names());
        Assert.Equal((2, 3), (_scheduler.Inside, _scheduler.Waiting));
        frames[1].Finish(0.01);
        frames[0].Finish(0.01);
        Assert.Equal(["a0", "a1", "a2", "a3"], Names());
        frames[2].Finish(0.01);
        frames[3].Finish(0.01);
        frames[4].Finish(0.01);
        Assert.Equal((0, 0), (_scheduler.Inside, _scheduler.Waiting));
    }

    /// <summary>Of all sessions, and of those that wait alone: who is inside waits no more, and who was replaced does not either.</summary>
    [Fact]
    public void The_oldest_wait_is_that_of_the_frame_that_has_waited_longest()
    {
        var every = new FrameFlow(_load, EveryFrame, () => 8);
        var fresh = new FrameFlow(_load, Freshest, () => 8);
        Assert.Equal(TimeSpan.Zero, _scheduler.OldestWait);
        var first = Enqueue(every, "inside", 1);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(TimeSpan.Zero, _scheduler.OldestWait);
        Enqueue(fresh, "replaced", 1);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(TimeSpan.FromSeconds(1), _scheduler.OldestWait);
        Enqueue(fresh, "fresh", 1);
        Assert.Equal(TimeSpan.Zero, _scheduler.OldestWait);
        _time.Advance(TimeSpan.FromSeconds(2));
        Enqueue(every, "late", 1);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(TimeSpan.FromSeconds(3), _scheduler.OldestWait);
        first[0].Finish(0.01);
        Assert.Equal(["inside0", "fresh0"], Names());
        Assert.Equal(TimeSpan.FromSeconds(1), _scheduler.OldestWait);
    }

    [Fact]
    public void Who_waits_for_a_model_that_is_busy_is_passed_by_those_who_ask_for_another()
    {
        var other = new ModelLoad(static () => new FrameCapacity(2, Heavy: 1, Urgent: 0));
        var busy = Enqueue(new FrameFlow(_load, EveryFrame, () => 8), "busy", 3);
        var free = Enqueue(new FrameFlow(other, EveryFrame, () => 8), "free", 3);
        Assert.Equal(["busy0", "free0", "free1"], Names());
        busy[0].Finish(0.01);
        free[1].Finish(0.01);
        Assert.Equal(["busy0", "free0", "free1", "busy1", "free2"], Names());
    }

    /// <summary>They are computed by the same machine.</summary>
    [Fact]
    public void Whoever_has_had_the_least_of_the_machine_is_next_whichever_model_it_asks_for()
    {
        var other = new ModelLoad(() => new FrameCapacity(1, Heavy: 1, Urgent: 0));
        var cheap = new FrameFlow(_load, EveryFrame, () => 8);
        var dear = new FrameFlow(other, EveryFrame, () => 8);
        var fresh = new FrameFlow(other, EveryFrame, () => 8);
        var first = Enqueue(dear, "dear", 3);
        Enqueue(cheap, "cheap", 1)[0].Finish(0.01);
        Enqueue(fresh, "fresh", 1);
        first[0].Finish(1);
        Assert.Equal(["dear0", "cheap0", "fresh0"], Names());
    }

    [Fact]
    public void A_session_has_no_more_frames_inside_than_its_own_limit()
    {
        _depth = 8;
        var limit = 1;
        var flow = new FrameFlow(_load, EveryFrame, () => limit);
        var frames = Enqueue(flow, "a", 3);
        Assert.Equal(["a0"], Names());
        limit = 2;
        frames[0].Finish(0.01);
        Assert.Equal(["a0", "a1", "a2"], Names());
    }

    [Fact]
    public void Sessions_share_engine_time_and_not_the_number_of_frames()
    {
        var heavy = new FrameFlow(_load, EveryFrame, () => 8);
        var light = new FrameFlow(_load, EveryFrame, () => 8);
        Enqueue(heavy, "heavy", 100);
        Enqueue(light, "light", 100);
        var time = new Dictionary<char, double> { ['h'] = 0, ['l'] = 0 };
        for (var i = 0; i < 60; i++)
        {
            var frame = _entered[i];
            var cost = frame.Name[0] == 'h' ? 0.5 : 0.05;
            time[frame.Name[0]] += cost;
            frame.Finish(cost);
        }

        // One heavy frame more or less.
        Assert.InRange(time['h'] - time['l'], -0.6, 0.6);
    }

    [Fact]
    public void Who_was_idle_neither_owes_nor_has_saved_up()
    {
        var busy = new FrameFlow(_load, EveryFrame, () => 8);
        var late = new FrameFlow(_load, EveryFrame, () => 8);
        Enqueue(busy, "busy", 100);
        for (var i = 0; i < 50; i++)
        {
            _entered[i].Finish(0.1);
        }

        Enqueue(late, "late", 50);
        for (var i = 50; i < 70; i++)
        {
            _entered[i].Finish(0.1);
        }

        var since = _entered.Skip(51).Take(19).Count(static frame => frame.Name.StartsWith("late", StringComparison.Ordinal));
        Assert.InRange(since, 9, 11);
    }

    [Fact]
    public void A_fresher_frame_takes_the_place_of_the_one_that_waits()
    {
        var other = Enqueue(new FrameFlow(_load, EveryFrame, () => 8), "other", 1)[0];
        var flow = new FrameFlow(_load, Freshest, () => 1);
        var frames = Enqueue(flow, "a", 3);
        Assert.Equal([FrameRefusal.Superseded, FrameRefusal.Superseded, null], frames.Select(static frame => frame.Refusal));
        other.Finish(0.01);
        Assert.Equal(["other0", "a2"], Names());
    }

    [Fact]
    public void An_urgent_session_goes_first_but_not_beyond_its_share()
    {
        var busy = new FrameFlow(_load, EveryFrame, () => 8);
        Enqueue(busy, "busy", 200);
        var urgent = new FrameFlow(_load, new FlowPolicy(false, TimeSpan.FromDays(1)), () => 8);
        for (var i = 0; i < 10; i++)
        {
            _entered[i].Finish(0.1);
        }

        Enqueue(urgent, "urgent", 200);
        _entered[10].Finish(0.1);
        Assert.StartsWith("urgent", _entered[11].Name, StringComparison.Ordinal);
        for (var i = 11; i < 111; i++)
        {
            _entered[i].Finish(0.1);
        }

        var share = _entered.Skip(11).Take(100).Count(static frame => frame.Name.StartsWith("urgent", StringComparison.Ordinal));
        Assert.InRange(share, 50, 53);
    }

    [Fact]
    public void An_urgent_session_finds_a_place_at_once_and_takes_no_more_than_its_share_by_it()
    {
        (_depth, _urgentPlaces) = (3, 2);
        Enqueue(new FrameFlow(_load, EveryFrame, () => 8), "busy", 300);
        for (var i = 0; i < 10; i++)
        {
            _entered[i].Finish(0.1);
        }

        Assert.Equal(3, _scheduler.Inside);
        Enqueue(new FrameFlow(_load, new FlowPolicy(false, TimeSpan.FromDays(1)), () => 8), "urgent", 300);
        Assert.StartsWith("urgent", _entered[13].Name, StringComparison.Ordinal);
        for (var i = 10; i < 210; i++)
        {
            Assert.InRange(_scheduler.Inside, 1, 5);
            _entered[i].Finish(0.1);
        }

        var share = _entered.Skip(13).Take(200).Count(static frame => frame.Name.StartsWith("urgent", StringComparison.Ordinal));
        Assert.InRange(share, 97, 103);
    }

    [Fact]
    public void A_frame_that_became_too_old_inside_is_charged_what_it_would_have_taken_and_not_its_wait()
    {
        Enqueue(new FrameFlow(_load, EveryFrame, () => 8), "busy", 100);
        Enqueue(new FrameFlow(_load, new FlowPolicy(false, TimeSpan.FromDays(1)), () => 8), "late", 100);
        for (var i = 0; i < 40; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            if (_entered[i].Name.StartsWith("late", StringComparison.Ordinal) && i > 10)
            {
                _entered[i].FinishTooOld();
            }
            else
            {
                _entered[i].Finish(0.1);
            }
        }

        Assert.InRange(_entered.Take(40).Count(static frame => frame.Name.StartsWith("late", StringComparison.Ordinal)), 19, 22);
    }

    [Fact]
    public void Heavy_frames_leave_places_to_the_others()
    {
        _depth = 4;
        var large = Enqueue(new FrameFlow(_load, EveryFrame, () => 8), "large", 4, heavy: true);
        Enqueue(new FrameFlow(_load, EveryFrame, () => 8), "alike", 2, heavy: true);
        Enqueue(new FrameFlow(_load, EveryFrame, () => 8), "small", 5);
        Assert.Equal(["large0", "small0", "small1", "small2"], Names());
        large[0].Finish(2);

        // The other one who has had nothing yet.
        Assert.Equal("alike0", _entered[4].Name);
    }

    [Fact]
    public void Of_a_budget_what_would_come_out_too_late_does_not_go_in_while_something_younger_waits()
    {
        var flow = new FrameFlow(_load, new FlowPolicy(false, TimeSpan.FromMilliseconds(300)), () => 8);
        var first = Enqueue(flow, "first", 1)[0];
        _time.Advance(TimeSpan.FromMilliseconds(200));
        first.Finish(0.2);
        var other = Enqueue(new FrameFlow(_load, EveryFrame, () => 8), "other", 1)[0];
        var old = Enqueue(flow, "old", 1)[0];
        _time.Advance(TimeSpan.FromMilliseconds(270));
        var young = Enqueue(flow, "young", 1)[0];
        other.Finish(0.01);
        Assert.Equal(FrameRefusal.Stale, old.Refusal);
        Assert.Equal(["first0", "other0", "young0"], Names());
        Assert.Null(young.Refusal);
    }

    [Fact]
    public void A_deadline_fires_while_its_frame_waits()
    {
        Enqueue(new FrameFlow(_load, EveryFrame, () => 8), "other", 1);
        var flow = new FrameFlow(_load, EveryFrame, () => 8);
        var soon = Enqueue(flow, "soon", 1, TimeSpan.FromMilliseconds(20))[0];
        var later = Enqueue(flow, "later", 1, TimeSpan.FromMilliseconds(50))[0];
        var never = Enqueue(flow, "never", 1)[0];
        _time.Advance(TimeSpan.FromMilliseconds(19));
        Assert.Null(soon.Refusal);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal((FrameRefusal.Expired, null), (soon.Refusal, later.Refusal));
        _time.Advance(TimeSpan.FromMilliseconds(30));
        Assert.Equal(FrameRefusal.Expired, later.Refusal);
        _time.Advance(TimeSpan.FromDays(100));
        Assert.Null(never.Refusal);
        Assert.Equal(1, _scheduler.Waiting);
    }

    [Fact]
    public void A_frame_older_than_its_sessions_budget_is_stale_unless_its_deadline_came_first()
    {
        Enqueue(new FrameFlow(_load, EveryFrame, () => 8), "other", 1);
        var flow = new FrameFlow(_load, new FlowPolicy(false, TimeSpan.FromMilliseconds(30)), () => 8);
        var stale = Enqueue(flow, "stale", 1)[0];
        var expired = Enqueue(flow, "expired", 1, TimeSpan.FromMilliseconds(30))[0];
        _time.Advance(TimeSpan.FromMilliseconds(30));
        Assert.Equal((FrameRefusal.Stale, FrameRefusal.Expired), (stale.Refusal, expired.Refusal));
    }

    [Fact]
    public void Nothing_of_an_abandoned_session_waits_now_or_later_and_the_others_go_on()
    {
        var other = Enqueue(new FrameFlow(_load, EveryFrame, () => 8), "other", 2);
        var flow = new FrameFlow(_load, EveryFrame, () => 8);
        var waiting = Enqueue(flow, "a", 1)[0];
        _scheduler.Abandon(flow);
        var late = Enqueue(flow, "late", 1)[0];
        Assert.Equal((FrameRefusal.Abandoned, FrameRefusal.Abandoned), (waiting.Refusal, late.Refusal));
        other[0].Finish(0.01);
        Assert.Equal(["other0", "other1"], Names());
    }

    [Fact]
    public void What_is_taken_out_is_neither_analysed_nor_refused()
    {
        var other = Enqueue(new FrameFlow(_load, EveryFrame, () => 8), "other", 1)[0];
        var flow = new FrameFlow(_load, EveryFrame, () => 8);
        var frames = Enqueue(flow, "a", 2);
        Assert.True(_scheduler.TryTakeOut(flow, frames[0]));
        Assert.False(_scheduler.TryTakeOut(flow, frames[0]));
        other.Finish(0.01);
        Assert.Equal(["other0", "a1"], Names());
        Assert.False(_scheduler.TryTakeOut(flow, frames[1]));
        Assert.Null(frames[0].Refusal);
    }

    [Fact]
    public void A_frame_that_throws_gives_its_place_back()
    {
        var flow = new FrameFlow(_load, EveryFrame, () => 8);
        var frames = Enqueue(flow, "a", 2);
        frames[0].Throw();
        Assert.Equal(["a0", "a1"], Names());
        Assert.Equal(1, _scheduler.Inside);
    }

    [Fact]
    public void Frames_that_end_at_once_do_not_pile_up_on_the_stack()
    {
        var flow = new FrameFlow(_load, EveryFrame, () => 8);
        var gate = Enqueue(flow, "gate", 1)[0];
        for (var i = 0; i < 100_000; i++)
        {
            _scheduler.Enqueue(flow, new InstantFrame());
        }

        gate.Finish(0.01);
        Assert.Equal((0, 0), (_scheduler.Inside, _scheduler.Waiting));
    }

    private List<TestFrame> Enqueue(FrameFlow flow, string name, int count, TimeSpan? deadline = null, bool heavy = false)
    {
        List<TestFrame> frames = [];
        for (var i = 0; i < count; i++)
        {
            var frame = new TestFrame($"{name}{i}", _entered) { ReceivedAt = _time.GetTimestamp(), Deadline = deadline, IsHeavy = heavy };
            frames.Add(frame);
            _scheduler.Enqueue(flow, frame);
        }

        return frames;
    }

    private IEnumerable<string> Names() => _entered.Select(static frame => frame.Name);

    private sealed class TestFrame(string name, List<TestFrame> entered) : QueuedFrame
    {
        private readonly TaskCompletionSource _done = new();

        public string Name => name;

        public FrameRefusal? Refusal { get; private set; }

        public override Task AnalyzeAsync()
        {
            Assert.Null(Refusal);
            entered.Add(this);
            return _done.Task;
        }

        public override void Refuse(FrameRefusal reason)
        {
            Assert.Null(Refusal);
            Refusal = reason;
        }

        public void Finish(double seconds)
        {
            EngineTime = seconds;
            _done.SetResult();
        }

        public void FinishTooOld()
        {
            WasTooOld = true;
            _done.SetResult();
        }

        public void Throw() => _done.SetException(new InvalidOperationException("scripted"));
    }

    private sealed class InstantFrame : QueuedFrame
    {
        [System.Diagnostics.CodeAnalysis.SetsRequiredMembers]
        public InstantFrame() => ReceivedAt = 0;

        public override Task AnalyzeAsync() => Task.CompletedTask;

        public override void Refuse(FrameRefusal reason) => throw new InvalidOperationException("refused");
    }
}
