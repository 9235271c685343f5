using LoupeGrpc.Engine;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.V1;
using Microsoft.Extensions.Time.Testing;
using Duration = Google.Protobuf.WellKnownTypes.Duration;

namespace LoupeGrpc.FunctionalTests.Calls;

public class DeliveryTests
{
    private static readonly LoupeOptions OneInside = new() { Limits = new LimitOptions { SessionConcurrency = 1 } };

    [Fact]
    public async Task Every_frame_keeps_no_more_in_flight_than_credits_for_a_client_that_ignores_them()
    {
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(analyzer, new LoupeOptions { Limits = new LimitOptions { Credits = 2 } });
        using var session = await server.OpenAsync();
        Assert.Equal(2u, session.Grant.Limits.Credits);
        for (ulong id = 1; id <= 6; id++)
        {
            await session.SendFrameAsync(id);
        }

        var running = Assert.Single(server.Sessions.List());
        for (ulong delivered = 0; delivered < 6; delivered++)
        {
            var analysis = await analyzer.NextAsync();
            // What the server has read, as soon as it can: never more than its credits beyond what was delivered.
            Assert.InRange(running.Count().Frames, delivered + 1, delivered + 2);
            analysis.Succeed();
            Assert.Equal(delivered + 1, (await session.NextOutcomeAsync()).FrameId);
        }
    }

    [Fact]
    public async Task A_session_that_is_slowed_down_does_not_slow_others_on_its_connection()
    {
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(analyzer, new LoupeOptions { Limits = new LimitOptions { Credits = 1 } });
        List<RawSession> slowed = [];
        var large = Google.Protobuf.ByteString.CopyFrom(new byte[4 << 20]);
        for (var i = 0; i < 8; i++)
        {
            var session = await server.OpenAsync();
            slowed.Add(session);
            await session.SendFrameAsync(1);
            // Fills the session's window: nobody reads it.
            _ = session.SendFrameAsync(2, frame => frame.Encoded.Data = large);
        }

        for (var i = 0; i < slowed.Count; i++)
        {
            await analyzer.NextAsync();
        }

        using var other = await server.OpenAsync();
        await other.SendFrameAsync(3);
        var analysis = await analyzer.NextAsync();
        Assert.Equal(3, analysis.Mark);
        analysis.Succeed();
        Assert.Equal(3ul, (await other.NextOutcomeAsync()).FrameId);
        slowed.ForEach(static session => session.Dispose());
    }

    [Fact]
    public async Task A_session_waits_for_room_for_the_bytes_of_its_frames()
    {
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(
            analyzer, new LoupeOptions { Limits = new LimitOptions { MaxSessionBytes = 1 << 20 } });
        using var session = await server.OpenAsync();
        var half = Google.Protobuf.ByteString.CopyFrom(new byte[512 << 10]);
        for (ulong id = 0; id < 3; id++)
        {
            await session.SendFrameAsync(id, frame => frame.Encoded.Data = half);
        }

        var first = await analyzer.NextAsync();
        var second = await analyzer.NextAsync();
        Assert.Equal(2 * half.Length, server.FrameBytes);
        Assert.False(analyzer.HasNext);
        first.Succeed();
        var third = await analyzer.NextAsync();
        second.Succeed();
        third.Succeed();
        for (ulong id = 0; id < 3; id++)
        {
            Assert.Equal(id, (await session.NextOutcomeAsync()).FrameId);
        }

        Assert.Equal(0, server.FrameBytes);
    }

    [Fact]
    public async Task Freshest_keeps_one_waiting_frame_and_reports_those_it_replaced_in_order()
    {
        var time = new FakeTimeProvider();
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(analyzer, new LoupeOptions { Limits = new LimitOptions { Credits = 1 } }, time);
        using var session = await server.OpenAsync(Freshest());
        await session.SendFrameAsync(1);
        var first = await analyzer.NextAsync();
        var running = Assert.Single(server.Sessions.List());
        await session.SendFrameAsync(2);
        await Patience.UntilAsync(() => running.Count().Frames == 2);
        time.Advance(TimeSpan.FromSeconds(3));
        for (ulong id = 3; id <= 5; id++)
        {
            await session.SendFrameAsync(id);
        }

        // The reader took all of them although one is in flight and there is one credit.
        await Patience.UntilAsync(() => running.Count() is { Frames: 5, InFlight: 2 });
        first.Succeed();
        var last = await analyzer.NextAsync();
        Assert.Equal(5, last.Mark);
        last.Succeed();

        Assert.NotNull((await session.NextOutcomeAsync()).Result);
        foreach (var (id, age) in new[] { (2ul, 3), (3ul, 0), (4ul, 0) })
        {
            var outcome = await session.NextOutcomeAsync();
            Assert.Equal(id, outcome.FrameId);
            Assert.Equal(
                new Dropped { Reason = DropReason.Superseded, Age = Duration.FromTimeSpan(TimeSpan.FromSeconds(age)) }, outcome.Dropped);
        }

        Assert.Equal(5ul, (await session.NextOutcomeAsync()).FrameId);
        await session.CompleteAsync();
        var summary = Assert.Single(await session.RestAsync()).Summary;
        Assert.Equal((5ul, 2ul, 3ul), (summary.Frames, summary.Results, summary.Dropped));
    }

    [Fact]
    public async Task A_staleness_budget_drops_what_is_too_old_when_its_turn_comes()
    {
        var time = new FakeTimeProvider();
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(analyzer, OneInside, time);
        using var session = await server.OpenAsync(new OpenSession
        {
            Delivery = new DeliveryPolicy { Mode = DeliveryMode.StalenessBudget, StalenessBudget = Duration.FromTimeSpan(TimeSpan.FromSeconds(2)) },
        });
        await session.SendFrameAsync(1);
        await session.SendFrameAsync(2);
        var first = await analyzer.NextAsync();
        Assert.Equal(TimeSpan.FromSeconds(2), first.Request.MaxAge);
        var running = Assert.Single(server.Sessions.List());
        await Patience.UntilAsync(() => running.Count().Frames == 2);
        time.Advance(TimeSpan.FromSeconds(2));
        first.Succeed();

        // The first had its turn in time: it is answered, however long that took.
        Assert.NotNull((await session.NextOutcomeAsync()).Result);
        Assert.Equal(
            new Dropped { Reason = DropReason.Stale, Age = Duration.FromTimeSpan(TimeSpan.FromSeconds(2)) },
            (await session.NextOutcomeAsync()).Dropped);

        await session.SendFrameAsync(3);
        (await analyzer.NextAsync()).Fail(FailureKind.Expired);
        Assert.Equal(DropReason.Stale, (await session.NextOutcomeAsync()).Dropped.Reason);
    }

    [Fact]
    public async Task A_frames_deadline_expires_it_before_during_and_after_its_turn()
    {
        var time = new FakeTimeProvider();
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(analyzer, OneInside, time);
        using var session = await server.OpenAsync();
        var second = Duration.FromTimeSpan(TimeSpan.FromSeconds(1));
        for (ulong id = 1; id <= 2; id++)
        {
            await session.SendFrameAsync(id, frame => frame.Deadline = second);
        }

        await session.SendFrameAsync(3);
        var late = await analyzer.NextAsync();
        Assert.Equal(TimeSpan.FromSeconds(1), late.Request.MaxAge);
        var running = Assert.Single(server.Sessions.List());
        await Patience.UntilAsync(() => running.Count().Frames == 3);
        time.Advance(TimeSpan.FromSeconds(1.5));
        late.Succeed();
        var patient = await analyzer.NextAsync();
        Assert.Equal(3, patient.Mark);
        Assert.Null(patient.Request.MaxAge);
        patient.Succeed();

        var expired = new Expired { Age = Duration.FromTimeSpan(TimeSpan.FromSeconds(1.5)), Deadline = second };
        Assert.Equal(expired, (await session.NextOutcomeAsync()).Expired);
        Assert.Equal(expired, (await session.NextOutcomeAsync()).Expired);
        Assert.NotNull((await session.NextOutcomeAsync()).Result);

        await session.SendFrameAsync(4, frame => frame.Deadline = second);
        var inside = await analyzer.NextAsync();
        time.Advance(TimeSpan.FromSeconds(1));
        inside.Fail(FailureKind.Expired);
        Assert.Equal(second, (await session.NextOutcomeAsync()).Expired.Age);
    }

    private static OpenSession Freshest() => new() { Delivery = new DeliveryPolicy { Mode = DeliveryMode.Freshest } };
}
