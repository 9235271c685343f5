using Grpc.Core;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.V1;
using Microsoft.Extensions.Time.Testing;

namespace LoupeGrpc.FunctionalTests.Sessions;

/// <summary>Sessions without a connection, as the server and its operators see them.</summary>
public class ParkedSessionTests
{
    private static readonly OpenSession Resumable = new() { Resumable = true };

    [Fact]
    public async Task A_stopping_server_drops_them_at_once_with_all_they_hold()
    {
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(analyzer);
        using var connection = server.Connect();
        using var broken = await connection.OpenAsync(Resumable);
        await broken.SendFrameAsync(1);

        // Never answered: the drain would wait for it in a session that has a connection.
        await analyzer.NextAsync();
        await server.BreakAsync(connection);
        await server.Server.StopAsync().WaitAsync(Patience.Token());
        Assert.Equal((0, 0, 0L), (server.Sessions.Count, analyzer.Inside, server.FrameBytes));
        Assert.Contains(server.Log.Lines, static line => line.Contains("Stopping: 0 open sessions", StringComparison.Ordinal));
        Assert.DoesNotContain(server.Log.Lines, static line => line.Contains("cut off", StringComparison.Ordinal));
    }

    [Fact]
    public async Task They_make_room_for_new_sessions_the_longest_parked_first()
    {
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer(), new LoupeOptions { Limits = new LimitOptions { MaxSessions = 2 } });
        using var first = await server.OpenAsync(Resumable);
        using var second = await server.OpenAsync(Resumable);

        // The younger one is parked first.
        second.Dispose();
        await UntilParkedAsync(server, second);
        first.Dispose();
        await UntilParkedAsync(server, first);
        using var third = await server.OpenAsync();
        Assert.Null(server.Sessions.Find(second.Grant.SessionId));
        using var resumed = await server.ResumeAsync(first);

        // Both places are taken by sessions with a connection now.
        using var fourth = server.Call();
        await fourth.SendAsync(new AnalyzeRequest { Open = new OpenSession() });
        Assert.Contains("Loupe:Limits:MaxSessions", (await fourth.FailureAsync()).Failure.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sessions_that_never_sent_anything_give_way_before_them()
    {
        var time = new FakeTimeProvider();
        var options = new LoupeOptions { Limits = new LimitOptions { MaxSessions = 3 } };
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer { Answer = static _ => ScriptedAnalyzer.Result(0.1f) }, options, time);
        using var parked = await server.OpenAsync(Resumable);
        parked.Dispose();
        await UntilParkedAsync(server, parked);
        using var working = await server.OpenAsync();
        await working.SendFrameAsync(1);
        await working.NextOutcomeAsync();
        using var unused = await server.OpenAsync();
        time.Advance(options.Sessions.UnusedTimeout);

        using var next = await server.OpenAsync();

        var (before, failure) = await unused.FailureAsync();
        Assert.Equal(SessionEventKind.Terminated, Assert.Single(before).Event.Kind);
        Assert.Contains("Loupe:Sessions:UnusedTimeout", StatusAssert.Carries(failure, StatusCode.Aborted, FailureCode.Canceled).Message, StringComparison.Ordinal);
        Assert.NotNull(server.Sessions.Find(parked.Grant.SessionId));

        // One that is new, and one that works, do not.
        using var last = await server.OpenAsync();
        Assert.Null(server.Sessions.Find(parked.Grant.SessionId));
        Assert.NotNull(server.Sessions.Find(working.Grant.SessionId));
        Assert.NotNull(server.Sessions.Find(next.Grant.SessionId));
    }

    [Fact]
    public async Task Sessions_that_sent_nothing_for_long_give_way_before_them()
    {
        var time = new FakeTimeProvider();
        var options = new LoupeOptions { Limits = new LimitOptions { MaxSessions = 3 } };
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer { Answer = static _ => ScriptedAnalyzer.Result(0.1f) }, options, time);
        using var idle = await server.OpenAsync();
        await idle.SendFrameAsync(1);
        await idle.NextOutcomeAsync();
        time.Advance(options.Sessions.IdleTimeout);
        using var parked = await server.OpenAsync(Resumable);
        parked.Dispose();
        await UntilParkedAsync(server, parked);
        using var working = await server.OpenAsync();
        await working.SendFrameAsync(1);
        await working.NextOutcomeAsync();

        using var next = await server.OpenAsync();

        var (before, failure) = await idle.FailureAsync();
        Assert.Equal(SessionEventKind.Terminated, Assert.Single(before).Event.Kind);
        Assert.Contains("Loupe:Sessions:IdleTimeout", StatusAssert.Carries(failure, StatusCode.Aborted, FailureCode.Canceled).Message, StringComparison.Ordinal);
        Assert.NotNull(server.Sessions.Find(parked.Grant.SessionId));
        Assert.NotNull(server.Sessions.Find(working.Grant.SessionId));
    }

    /// <summary>Whoever opens sessions one after the other would have them all, before the first of these has been silent for long.</summary>
    [Fact]
    public async Task A_crowd_that_sends_nothing_does_not_push_them_out()
    {
        await using var server = await StartAsync(maxSessions: 4);
        using var parked = await ParkAsync(server, frames: 1);
        List<RawSession> crowd = [];
        for (var i = 0; i < 3; i++)
        {
            crowd.Add(await server.OpenAsync());
        }

        using var next = server.Call();
        await next.SendAsync(new AnalyzeRequest { Open = new OpenSession() });
        Assert.Contains("Loupe:Limits:MaxSessions", (await next.FailureAsync()).Failure.Status.Detail, StringComparison.Ordinal);
        using var resumed = await server.ResumeAsync(parked);

        crowd.ForEach(static session => session.Dispose());
    }

    [Fact]
    public async Task Those_that_never_sent_anything_make_room_first()
    {
        await using var server = await StartAsync(maxSessions: 2);
        using var worked = await ParkAsync(server, frames: 1);
        using var unused = await ParkAsync(server, frames: 0);

        using var next = await server.OpenAsync();

        Assert.Null(server.Sessions.Find(unused.Grant.SessionId));
        Assert.NotNull(server.Sessions.Find(worked.Grant.SessionId));
    }

    [Fact]
    public async Task They_are_listed_and_can_be_ended()
    {
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer(), RunningServer.LongWindow with { Admin = new AdminOptions { Enabled = true } });
        var admin = new SessionAdminService.SessionAdminServiceClient(server.Channel);
        using var connection = server.Connect();
        using var broken = await connection.OpenAsync(Resumable);
        using var other = await server.OpenAsync();
        connection.Break();
        await UntilParkedAsync(server, broken);
        var list = await admin.ListSessionsAsync(new ListSessionsRequest(), cancellationToken: Patience.Token());
        Assert.Equal([true, false], list.Sessions.Select(static session => session.ParkedSince is not null));
        var info = await server.Client.GetServerInfoAsync(new GetServerInfoRequest(), cancellationToken: Patience.Token());
        Assert.Equal(1u, info.ActiveSessions);

        await admin.TerminateSessionAsync(new TerminateSessionRequest { SessionId = broken.Grant.SessionId }, cancellationToken: Patience.Token());
        await Patience.UntilAsync(() => server.Sessions.Count == 1);
        using var late = await server.OpenAsync(new OpenSession { ResumeToken = broken.Grant.ResumeToken });
        Assert.False(late.Grant.Resumed);
    }

    [Fact]
    public async Task Parking_resuming_and_taking_over_are_counted()
    {
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer());
        using var totals = new MetricTotals(server);
        using var connection = server.Connect();
        using var broken = await connection.OpenAsync(Resumable);
        Assert.Equal((1, 0), Sessions());
        await server.BreakAsync(connection);
        Assert.Equal((0, 1), Sessions());
        using var resumed = await server.ResumeAsync(broken);
        Assert.Equal((1, 0), Sessions());
        Assert.Equal((1, 0), (totals["loupe.session.resumes"], totals["loupe.session.takeovers"]));
        using var later = await server.ResumeAsync(resumed);
        Assert.Equal((1, 0), Sessions());
        Assert.Equal((2, 1), (totals["loupe.session.resumes"], totals["loupe.session.takeovers"]));
        later.Dispose();
        await server.UntilParkedAsync();
        Assert.Equal((0, 1), Sessions());
        await server.Server.StopAsync();
        Assert.Equal((0, 0), Sessions());

        (long Connected, long Parked) Sessions() => (totals["loupe.sessions"], totals["loupe.sessions.parked"]);
    }

    private static Task<RunningServer> StartAsync(int maxSessions) => RunningServer.StartAsync(
        new ScriptedAnalyzer { Answer = static _ => ScriptedAnalyzer.Result(0.1f) }, new LoupeOptions { Limits = new LimitOptions { MaxSessions = maxSessions } });

    /// <summary>A session that had its outcomes before it lost its connection.</summary>
    private static async Task<RawSession> ParkAsync(RunningServer server, ulong frames)
    {
        var session = await server.OpenAsync(Resumable);
        for (ulong id = 1; id <= frames; id++)
        {
            await session.SendFrameAsync(id);
            await session.NextOutcomeAsync();
        }

        session.Dispose();
        await UntilParkedAsync(server, session);
        return session;
    }

    private static Task UntilParkedAsync(RunningServer server, RawSession session) =>
        Patience.UntilAsync(() => server.Sessions.Find(session.Grant.SessionId)?.ParkedSince is not null);
}
