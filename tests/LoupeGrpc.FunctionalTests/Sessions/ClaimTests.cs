using Google.Protobuf;
using Grpc.Core;
using LoupeGrpc.Engine;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.V1;
using Microsoft.Extensions.Time.Testing;

namespace LoupeGrpc.FunctionalTests.Sessions;

/// <summary>Who may resume a session, for how long, and from where.</summary>
public class ClaimTests
{
    private static readonly OpenSession Resumable = new() { Resumable = true };

    [Fact]
    public async Task A_claim_of_more_than_was_sent_is_refused_and_changes_nothing()
    {
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer { Answer = static _ => ScriptedAnalyzer.Result(0.5f) });
        using var connection = server.Connect();
        using var session = await connection.OpenAsync(Resumable);
        await session.SendFrameAsync(1);
        await session.NextOutcomeAsync();
        var failed = StatusAssert.Carries(await server.RefuseAsync(session.Grant.ResumeToken, 2), StatusCode.InvalidArgument, FailureCode.Invalid);
        Assert.Contains("responses_received is 2, but the session has sent 1", failed.Message, StringComparison.Ordinal);

        // The call that has the session was not disturbed.
        await session.SendFrameAsync(2);
        Assert.Equal(2ul, (await session.NextOutcomeAsync()).FrameId);
        await server.BreakAsync(connection);
        Assert.Equal(StatusCode.InvalidArgument, (await server.RefuseAsync(session.Grant.ResumeToken, 3)).StatusCode);
        using var resumed = await server.ResumeAsync(session);
    }

    [Theory]
    [InlineData(1, 1 << 20)]
    [InlineData(64, 1 << 16)]
    public async Task A_claim_of_what_is_not_kept_any_more_is_refused_and_says_what_can_be_had(int credits, long maxKeptBytes)
    {
        const int Frames = 4;
        var message = new string('x', 30 << 10);
        await using var server = await RunningServer.StartAsync(
            new ScriptedAnalyzer { Answer = _ => new FrameFailure(FailureKind.Invalid, message) },
            new LoupeOptions { Limits = new LimitOptions { Credits = credits }, Sessions = new SessionOptions { MaxKeptBytes = maxKeptBytes } });
        using var connection = server.Connect();
        using var session = await connection.OpenAsync(Resumable);
        for (ulong id = 0; id < Frames; id++)
        {
            await session.SendFrameAsync(id);
            await session.NextOutcomeAsync();
        }

        await server.BreakAsync(connection);
        var failed = StatusAssert.Carries(await server.RefuseAsync(session.Grant.ResumeToken, 1), StatusCode.OutOfRange, FailureCode.Invalid);
        Assert.Contains("responses_received is 1, but the session keeps only what follows ", failed.Message, StringComparison.Ordinal);
        Assert.Contains("Loupe:Sessions:MaxKeptBytes", failed.Message, StringComparison.Ordinal);
        var least = ulong.Parse(failed.Message.Split("what follows ")[1].Split(':')[0], System.Globalization.CultureInfo.InvariantCulture);
        Assert.InRange(least, 2ul, (ulong)Frames - 1);

        session.Received = least;
        using var resumed = await server.ResumeAsync(session);
        await resumed.CompleteAsync();
        Assert.Equal(
            Enumerable.Range((int)least, Frames - (int)least).Select(static sequence => (ulong)sequence),
            (await resumed.RestAsync()).SkipLast(1).Select(static response => response.Outcome.Sequence));
    }

    [Fact]
    public async Task A_client_that_respects_its_credits_never_lacks_what_is_not_kept()
    {
        const int Credits = 3;
        await using var server = await RunningServer.StartAsync(
            new ScriptedAnalyzer { Answer = static _ => ScriptedAnalyzer.Result(0.5f) }, new LoupeOptions { Limits = new LimitOptions { Credits = Credits } });
        using var connection = server.Connect();
        using var session = await connection.OpenAsync(Resumable);
        for (ulong id = 0; id < 10; id++)
        {
            await session.SendFrameAsync(id);
            await session.NextOutcomeAsync();
        }

        for (ulong id = 10; id < 10 + Credits; id++)
        {
            await session.SendFrameAsync(id);
        }

        await Patience.UntilAsync(() => server.Sessions.List()[0].Count() is { Frames: 13, InFlight: 0 });
        await server.BreakAsync(connection);
        using var resumed = await server.ResumeAsync(session);
        await resumed.CompleteAsync();
        Assert.Equal([10ul, 11, 12], (await resumed.RestAsync()).SkipLast(1).Select(static response => response.Outcome.Sequence));
    }

    [Fact]
    public async Task An_unknown_token_opens_a_new_session_with_the_settings_given()
    {
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer());
        using var known = await server.OpenAsync(Resumable);
        using var session = await server.OpenAsync(new OpenSession
        {
            ResumeToken = ByteString.CopyFrom(new byte[32]),
            ResponsesReceived = 12,
            Resumable = true,
            Thresholds = new Thresholds { Low = 0.2f, High = 0.3f },
        });
        Assert.False(session.Grant.Resumed);
        Assert.Equal(0ul, session.Grant.NextSequence);
        Assert.Equal((0.2f, 0.3f), (session.Grant.Thresholds.Low, session.Grant.Thresholds.High));
        var missing = Assert.Single(session.Grant.Unavailable);
        Assert.Equal("resume_token", missing.Feature);
        Assert.Contains("Loupe:Sessions:ResumeWindow", missing.Reason, StringComparison.Ordinal);
        Assert.Equal(3, new[] { known.Grant.ResumeToken, session.Grant.ResumeToken, ByteString.CopyFrom(new byte[32]) }.Distinct().Count());

        // What a later call hears of the same session is not about that token any more.
        using var resumed = await server.ResumeAsync(session);
    }

    [Fact]
    public async Task When_the_window_has_passed_everything_is_freed_and_the_token_is_unknown()
    {
        var time = new FakeTimeProvider();
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(
            analyzer, new LoupeOptions { Sessions = new SessionOptions { ResumeWindow = TimeSpan.FromSeconds(5) }, Limits = new LimitOptions { SessionConcurrency = 1 } }, time);
        using var connection = server.Connect();
        using var broken = await connection.OpenAsync(Resumable);
        await broken.SendFrameAsync(1);
        await broken.SendFrameAsync(2);
        await analyzer.NextAsync();
        var session = Assert.Single(server.Sessions.List());
        await Patience.UntilAsync(() => session.Count().Frames == 2);
        await server.BreakAsync(connection);
        time.Advance(TimeSpan.FromSeconds(4.9));
        Assert.Equal((1, 1), (server.Sessions.Count, analyzer.Inside));
        Assert.NotEqual(0, server.FrameBytes);

        time.Advance(TimeSpan.FromSeconds(0.2));
        await Patience.UntilAsync(() => server.Sessions.Count == 0);
        Assert.Equal((0, 0L, 0), (analyzer.Inside, server.FrameBytes, session.Count().InFlight));
        using var late = await server.OpenAsync(new OpenSession { ResumeToken = broken.Grant.ResumeToken });
        Assert.False(late.Grant.Resumed);
        Assert.Contains("5 s", Assert.Single(late.Grant.Unavailable).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_session_resumed_within_the_window_has_all_of_it_again()
    {
        var time = new FakeTimeProvider();
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer(), time: time);
        using var first = server.Connect();
        using var broken = await first.OpenAsync(Resumable);
        await server.BreakAsync(first);
        time.Advance(TimeSpan.FromSeconds(50));
        using var second = server.Connect();
        using var resumed = await RunningServer.OpenAsync(second.Call(), new OpenSession { ResumeToken = broken.Grant.ResumeToken });
        time.Advance(TimeSpan.FromSeconds(50));
        await server.BreakAsync(second);
        time.Advance(TimeSpan.FromSeconds(50));
        using var again = await server.ResumeAsync(broken);
    }

    [Fact]
    public async Task A_server_without_a_window_keeps_nothing_and_says_so()
    {
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(
            analyzer, new LoupeOptions { Sessions = new SessionOptions { ResumeWindow = TimeSpan.Zero } });
        var info = await server.Client.GetServerInfoAsync(new GetServerInfoRequest(), cancellationToken: Patience.Token());
        Assert.Contains("resume_token", info.Unavailable.Select(static part => part.Feature));
        using var connection = server.Connect();
        using var session = await connection.OpenAsync(new OpenSession { Resumable = true, ResumeToken = ByteString.CopyFrom(new byte[32]) });
        Assert.Empty(session.Grant.ResumeToken);
        Assert.Null(session.Grant.ResumeWindow);
        Assert.Equal(["resumable", "resume_token"], session.Grant.Unavailable.Select(static part => part.Feature));
        Assert.All(session.Grant.Unavailable, static part => Assert.Contains("Loupe:Sessions:ResumeWindow", part.Reason, StringComparison.Ordinal));
        await session.SendFrameAsync(1);
        await analyzer.NextAsync();
        connection.Break();
        await Patience.UntilAsync(() => server.Sessions.Count == 0);
        Assert.Equal(0, analyzer.Inside);
    }

    [Fact]
    public async Task A_session_that_was_closed_is_not_resumed_and_no_token_is_ever_logged()
    {
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer());
        using var connection = server.Connect();
        using var session = await connection.OpenAsync(Resumable);
        await server.BreakAsync(connection);
        using var resumed = await server.ResumeAsync(session);
        await resumed.CompleteAsync();
        await resumed.RestAsync();
        using var late = await server.OpenAsync(new OpenSession { ResumeToken = session.Grant.ResumeToken });
        Assert.False(late.Grant.Resumed);
        var token = session.Grant.ResumeToken;
        foreach (var text in new[] { token.ToBase64(), Convert.ToHexString(token.Span) })
        {
            Assert.DoesNotContain(server.Log.Lines, line => line.Contains(text, StringComparison.OrdinalIgnoreCase));
        }
    }
}
