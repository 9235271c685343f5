using System.Net;
using System.Net.Sockets;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.V1;

namespace LoupeGrpc.FunctionalTests.Calls;

public class SessionEndTests
{
    [Fact]
    public async Task After_half_close_every_frame_is_answered_and_the_summary_is_last()
    {
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(analyzer);
        using var session = await server.OpenAsync();
        float[] scores = [0.9f, 0.7f, 0.5f, 0.1f, 0.8f];
        var start = Timestamp.FromDateTimeOffset(DateTimeOffset.UnixEpoch);
        foreach (var (index, _) in scores.Index())
        {
            await session.SendFrameAsync((ulong)index, frame => frame.CaptureTime = new Timestamp { Seconds = index });
        }

        await session.SendFrameAsync(5);
        await session.CompleteAsync();
        List<ScriptedAnalysis> inside = [];
        for (var i = 0; i < 6; i++)
        {
            inside.Add(await analyzer.NextAsync());
        }

        // Answered backwards: the timeline is in the order of receipt all the same.
        inside[5].Fail(Engine.FailureKind.Unsupported);
        foreach (var (index, score) in scores.Index().Reverse())
        {
            inside[index].Succeed(score);
        }

        var rest = await session.RestAsync();
        Assert.Equal([0ul, 1, 2, 3, 4, 5], rest.SkipLast(1).Select(static response => response.Outcome.FrameId));
        var summary = rest[^1].Summary;
        Assert.Equal((6ul, 5ul, 0ul, 0ul, 1ul), (summary.Frames, summary.Results, summary.Dropped, summary.Expired, summary.Failed));
        Assert.Equal([new ReasonCount { Reason = "UNSUPPORTED", Count = 1 }], summary.Reasons);
        Assert.Equal(
            [
                new VerdictCount { Verdict = Verdict.Authentic, Count = 1 },
                new VerdictCount { Verdict = Verdict.Uncertain, Count = 1 },
                new VerdictCount { Verdict = Verdict.Manipulated, Count = 3 },
            ],
            summary.Verdicts);
        Assert.Equal(
            [
                new ManipulatedSegment
                {
                    FirstSequence = 0, LastSequence = 1, Frames = 2, PeakScore = 0.9f, Start = start, End = new Timestamp { Seconds = 1 },
                },
                new ManipulatedSegment
                {
                    FirstSequence = 4, LastSequence = 4, Frames = 1, PeakScore = 0.8f, Start = new Timestamp { Seconds = 4 }, End = new Timestamp { Seconds = 4 },
                },
            ],
            summary.Timeline);
        Assert.Equal(6ul, summary.FrameBytes);
        Assert.True(summary.Duration.ToTimeSpan() > TimeSpan.Zero);
        Assert.Equal(0, server.Sessions.Count);
    }

    [Fact]
    public async Task A_client_that_vanishes_leaves_nothing_behind()
    {
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(
            analyzer, new LoupeOptions { Limits = new LimitOptions { SessionConcurrency = 2 } });
        var session = await server.OpenAsync();
        for (ulong id = 1; id <= 5; id++)
        {
            await session.SendFrameAsync(id);
        }

        await analyzer.NextAsync();
        await analyzer.NextAsync();
        var running = Assert.Single(server.Sessions.List());
        await Patience.UntilAsync(() => running.Count().Frames == 5);
        session.Dispose();

        await Patience.UntilAsync(() => server.Sessions.Count == 0);
        Assert.Equal(0, analyzer.Inside);
        Assert.Equal(0, server.FrameBytes);
        Assert.Equal(0, running.Count().InFlight);
    }

    [Fact]
    public async Task A_client_that_vanishes_while_the_server_waits_for_credits_leaves_nothing_behind()
    {
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(analyzer, new LoupeOptions { Limits = new LimitOptions { Credits = 1 } });
        var session = await server.OpenAsync();
        await session.SendFrameAsync(1);
        await session.SendFrameAsync(2);
        await analyzer.NextAsync();
        session.Dispose();
        await Patience.UntilAsync(() => server.Sessions.Count == 0);
        Assert.Equal(0, analyzer.Inside);
    }

    [Fact]
    public async Task A_stopping_server_finishes_what_it_has_drops_what_comes_and_says_so()
    {
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(analyzer);
        using var session = await server.OpenAsync();
        await session.SendFrameAsync(1);
        var inside = await analyzer.NextAsync();
        var stopping = server.Server.StopAsync();

        var notice = (await session.NextAsync()).Event;
        Assert.Equal((SessionEventKind.Draining, 1ul), (notice.Kind, notice.Sequence));
        Assert.NotEmpty(notice.Message);
        await session.SendFrameAsync(2);
        var running = Assert.Single(server.Sessions.List());
        await Patience.UntilAsync(() => running.Count().Frames == 2);
        using (var late = server.Call())
        {
            // The call may be refused before the client has sent anything.
            await Record.ExceptionAsync(() => late.SendAsync(new AnalyzeRequest { Open = new OpenSession() }));
            StatusAssert.Carries((await late.FailureAsync()).Failure, StatusCode.Unavailable, FailureCode.Canceled);
        }

        inside.Succeed();
        var (before, failure) = await session.FailureAsync();
        Assert.Equal(3, before.Count);
        Assert.NotNull(before[0].Outcome.Result);
        Assert.Equal((2ul, DropReason.SessionEnded), (before[1].Outcome.FrameId, before[1].Outcome.Dropped.Reason));
        Assert.Equal((2ul, 1ul, 1ul), (before[2].Summary.Frames, before[2].Summary.Results, before[2].Summary.Dropped));
        StatusAssert.Carries(failure, StatusCode.Unavailable, FailureCode.Canceled);
        await stopping;
    }

    [Fact]
    public async Task Who_comes_to_a_stopping_server_finds_nobody_and_operators_find_it()
    {
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(analyzer);
        using var session = await server.OpenAsync();
        await session.SendFrameAsync(1);
        var inside = await analyzer.NextAsync();
        Uri[] callers = [server.Server.Grpc, server.Server.Web!];
        foreach (var address in callers)
        {
            await ConnectAsync(address);
        }

        var stopping = server.Server.StopAsync();
        Assert.Equal(SessionEventKind.Draining, (await session.NextAsync()).Event.Kind);
        foreach (var address in callers)
        {
            var refused = await Assert.ThrowsAsync<SocketException>(() => ConnectAsync(address));
            Assert.Equal(SocketError.ConnectionRefused, refused.SocketErrorCode);
        }

        using var operators = new HttpClient { BaseAddress = server.Server.Operations };
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await operators.GetAsync("/healthz/ready", Patience.Token())).StatusCode);
        inside.Succeed();
        Assert.NotNull((await session.FailureAsync()).Before[0].Outcome.Result);
        await stopping;

        static async Task ConnectAsync(Uri address)
        {
            using var client = new TcpClient();
            await client.ConnectAsync(address.Host, address.Port, Patience.Token());
        }
    }

    [Fact]
    public async Task A_stopping_server_whose_patience_is_over_drops_what_it_has()
    {
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(analyzer, new LoupeOptions
        {
            Limits = new LimitOptions { SessionConcurrency = 1 },
            Shutdown = new ShutdownOptions { DrainTimeout = TimeSpan.FromSeconds(1) },
        });
        using var session = await server.OpenAsync();
        await session.SendFrameAsync(1);
        await session.SendFrameAsync(2);
        await analyzer.NextAsync();
        var running = Assert.Single(server.Sessions.List());
        await Patience.UntilAsync(() => running.Count().Frames == 2);
        var stopping = server.Server.StopAsync();

        Assert.Equal(SessionEventKind.Draining, (await session.NextAsync()).Event.Kind);
        for (ulong id = 1; id <= 2; id++)
        {
            var outcome = await session.NextOutcomeAsync();
            Assert.Equal((id, DropReason.SessionEnded), (outcome.FrameId, outcome.Dropped.Reason));
        }

        var (before, failure) = await session.FailureAsync();
        Assert.Equal(2ul, Assert.Single(before).Summary.Dropped);
        Assert.Equal(StatusCode.Unavailable, failure.StatusCode);
        await stopping;
    }

    [Fact]
    public async Task A_client_that_does_not_read_cannot_hold_up_a_stopping_server()
    {
        var big = new string('x', 1 << 20);
        await using var server = await RunningServer.StartAsync(
            new ScriptedAnalyzer { Answer = _ => new Engine.FrameFailure(Engine.FailureKind.Invalid, big) },
            new LoupeOptions { Shutdown = new ShutdownOptions { DrainTimeout = TimeSpan.FromMilliseconds(200) } });
        using var session = await server.OpenAsync();
        for (ulong id = 0; id < 32; id++)
        {
            await session.SendFrameAsync(id);
        }

        var running = Assert.Single(server.Sessions.List());
        await Patience.UntilAsync(() => running.Count() is { Frames: 32, InFlight: 0 });
        await server.Server.StopAsync().WaitAsync(Patience.Token());
        await Patience.UntilAsync(() => server.Sessions.Count == 0);
        Assert.Contains(server.Log.Lines, static line => line.Contains("cut off", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_call_that_opens_nothing_cannot_hold_up_a_stopping_server()
    {
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer());
        using var call = server.Call();
        await Patience.UntilAsync(() => server.Log.Lines.Any(static line => line.Contains("Executing endpoint", StringComparison.Ordinal)));
        var stopping = server.Server.StopAsync();
        StatusAssert.Carries((await call.FailureAsync()).Failure, StatusCode.Unavailable, FailureCode.Canceled);
        await stopping;
        Assert.DoesNotContain(server.Log.Lines, static line => line.Contains("cut off", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_client_that_vanishes_before_it_opens_a_session_is_no_fault()
    {
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer());
        using (server.Call())
        {
            await Patience.UntilAsync(() => server.Log.Lines.Any(static line => line.Contains("Executing endpoint", StringComparison.Ordinal)));
        }

        await Patience.UntilAsync(() => server.Log.Lines.Any(static line => line.Contains("Executed endpoint", StringComparison.Ordinal)));
    }
}
