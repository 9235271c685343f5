using System.Collections.Concurrent;
using Grpc.Core;
using LoupeGrpc.Client;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.V1;
using Fate = LoupeGrpc.FunctionalTests.Client.BreakingRelay.Fate;

namespace LoupeGrpc.FunctionalTests.Client;

/// <summary>Sessions whose connection breaks, between the client and the real server, where the test says.</summary>
public class ReconnectTests
{
    private const int Frames = 30;

    /// <summary>A control goes before each frame whose number this divides.</summary>
    private const int ControlEvery = 7;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string> Breaks => [.. Scripts.Keys];

    private static Dictionary<string, Fate[]> Scripts { get; } = new()
    {
        ["around the first grant"] = [new() { BeforeGrant = true }, new() { AfterGrant = true }, new() { AfterResponses = 1 }],
        ["between outcomes"] = [new() { AfterResponses = 3 }],
        ["before anything is answered"] = [new() { AfterResponses = 0 }],
        ["while the session is resumed"] = [new() { AfterResponses = 1 }, new() { BeforeGrant = true }, new() { AfterGrant = true }],
        ["again and again"] = [.. Enumerable.Range(1, 6).Select(i => new Fate { AfterResponses = 1 + (i % 3) })],
        ["after each answer"] = [.. Enumerable.Range(1, 20).Select(_ => new Fate { AfterResponses = 1 })],
    };

    [Theory]
    [MemberData(nameof(Breaks))]
    public async Task Each_frame_has_its_outcome_once_and_in_order_wherever_the_connection_breaks(string where)
    {
        var analyzed = new ConcurrentBag<byte>();
        var analyzer = new ScriptedAnalyzer
        {
            Answer = input =>
            {
                analyzed.Add(input.Data.Span[0]);
                return ScriptedAnalyzer.Result(input.Data.Span[0] / 100f);
            },
        };
        await using var server = await RunningServer.StartAsync(analyzer, new LoupeOptions { Limits = new LimitOptions { Credits = 4 } });
        using var relay = new BreakingRelay(server) { Fates = Scripts[where] };
        await using var host = await FakeHost.StartAsync(relay);
        using var client = Connect(host);
        await using var session = await client.OpenSessionAsync(new LoupeSessionOptions { Name = "gate" }, Token);
        var reading = ReadAllAsync(session);
        var controls = new List<Task<ControlReply>>();

        // One buffer for all: what is sent again must be what was sent.
        var buffer = new byte[1];
        for (var i = 0; i < Frames; i++)
        {
            if (i % ControlEvery == 0)
            {
                controls.Add(session.SetThresholdsAsync(new Thresholds { Low = 0.1f, High = High(i) }, Token));
            }

            buffer[0] = (byte)(i + 1);
            await session.SendAsync(new EncodedFrame(buffer) { FrameId = (ulong)i }, Token);
        }

        var summary = await session.CompleteAsync(Token);

        Assert.Equal((ulong)Frames, summary.Frames);
        var outcomes = await reading;
        Assert.Equal(Enumerable.Range(0, Frames).Select(i => (ulong)i), outcomes.Select(outcome => outcome.FrameId));
        // Each is the answer to the bytes that were sent, under the control before it.
        Assert.Equal(
            Enumerable.Range(0, Frames).Select(i => ((i + 1) / 100f, High(i - (i % ControlEvery)))),
            outcomes.Select(outcome => Assert.IsType<LoupeResult>(outcome).Result).Select(result => (result.Score, result.Thresholds.High)));
        Assert.Equal(Enumerable.Range(0, Frames).Where(i => i % ControlEvery == 0).Select(High), (await Task.WhenAll(controls)).Select(reply => reply.Thresholds.High));
        Assert.Equal(Enumerable.Range(1, Frames).Select(mark => (byte)mark), analyzed.Order());
        Assert.Null(session.Fault);
        Assert.All(relay.Opened.Skip(1), open => Assert.Equal("gate", open.SessionName));
        var events = await session.Events(Token).ToListAsync(Token);
        // A grant that is lost on the way resumes nothing.
        Assert.InRange(events.OfType<LoupeResumed>().Count(), 1, relay.Opened.Count(open => !open.ResumeToken.IsEmpty));
        Assert.True(relay.Connections > Scripts[where].Length);
    }

    [Fact]
    public async Task What_the_server_has_forgotten_is_lost_and_says_so()
    {
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(analyzer);
        await using var restarted = await RunningServer.StartAsync(new ScriptedAnalyzer(), RunningServer.LongWindow);
        using var relay = new BreakingRelay(server);
        await using var host = await FakeHost.StartAsync(relay);
        using var client = Connect(host);
        await using var session = await client.OpenSessionAsync(cancellationToken: Token);
        await SendAsync(session, analyzer, 0, 1);

        relay.Server = restarted.Server.Grpc;
        relay.Break();
        var outcomes = await ReadAllAsync(session);

        Assert.Equal([0UL, 1UL], outcomes.Select(outcome => outcome.FrameId));
        Assert.All(outcomes, outcome => AssertLost(outcome, "does not have the session any more: "));
        await Assert.ThrowsAsync<LoupeConnectionLostException>(() => session.FlushAsync(Token));
        await Assert.ThrowsAsync<LoupeConnectionLostException>(() => session.CompleteAsync(Token));
        Assert.False(relay.Opened[1].Resumable);
        Assert.Null(relay.Opened[1].Adaptation);
        // The new server keeps nothing for a client that will not come back.
        await Patience.UntilAsync(() => restarted.Sessions.Count == 0);
    }

    [Fact]
    public async Task A_session_that_was_taken_over_is_not_taken_back()
    {
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(analyzer);
        using var relay = new BreakingRelay(server);
        await using var host = await FakeHost.StartAsync(relay);
        using var client = Connect(host);
        await using var session = await client.OpenSessionAsync(cancellationToken: Token);
        await SendAsync(session, analyzer, 0, 1);
        relay.Break();
        await using var events = session.Events(Token).GetAsyncEnumerator(Token);
        Assert.True(await events.MoveNextAsync());
        Assert.True(await events.MoveNextAsync());
        Assert.IsType<LoupeResumed>(events.Current);

        using var other = await server.OpenAsync(new OpenSession { ResumeToken = session.Grant.ResumeToken });

        Assert.True(other.Grant.Resumed);
        Assert.All(await ReadAllAsync(session), outcome => AssertLost(outcome, "another connection took over the session"));
        Assert.Equal(2, relay.Connections);
        Assert.True(await events.MoveNextAsync());
        Assert.Equal(SessionEventKind.TakenOver, Assert.IsType<LoupeServerEvent>(events.Current).Event.Kind);
    }

    [Fact]
    public async Task A_server_that_stays_away_is_waited_for_as_long_as_it_keeps_the_session()
    {
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(analyzer);
        using var relay = new BreakingRelay(server);
        // Nobody else is to be found there when it is away.
        var host = await FakeHost.StartAsync(relay, FreePort.Find());
        using var client = Connect(host, new HastyTime());
        await using var session = await client.OpenSessionAsync(cancellationToken: Token);
        await SendAsync(session, analyzer, 0);

        await host.DisposeAsync();

        AssertLost(Assert.Single(await ReadAllAsync(session)), "could not be resumed: no LoupeGrpc server at");
        Assert.Single((await session.Events(Token).ToListAsync(Token)).OfType<LoupeDisconnected>());
        await Assert.ThrowsAsync<LoupeConnectionLostException>(() => session.SendAsync(Picture(1), Token).AsTask());
    }

    [Fact]
    public async Task A_server_that_comes_back_finds_the_session_waiting()
    {
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer { Answer = _ => ScriptedAnalyzer.Result(0.1f) });
        using var relay = new BreakingRelay(server);
        // Nobody else is to be found there when it is away.
        var host = await FakeHost.StartAsync(relay, FreePort.Find());
        using var client = Connect(host);
        await using var session = await client.OpenSessionAsync(cancellationToken: Token);
        await using var results = session.Results(Token).GetAsyncEnumerator(Token);
        await session.SendAsync(Picture(0), Token);
        Assert.True(await results.MoveNextAsync());

        await host.DisposeAsync();
        await using var events = session.Events(Token).GetAsyncEnumerator(Token);
        Assert.True(await events.MoveNextAsync());
        Assert.InRange(Assert.IsType<LoupeDisconnected>(events.Current).Window, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(60));
        var waiting = session.SendAsync(Picture(1), Token).AsTask();
        await using var again = await FakeHost.StartAsync(relay, host.Address.Port);
        Assert.True(await events.MoveNextAsync());
        Assert.Equal(0, Assert.IsType<LoupeResumed>(events.Current).FramesSentAgain);

        await waiting;
        Assert.True(await results.MoveNextAsync());
        Assert.Equal(1UL, Assert.IsType<LoupeResult>(results.Current).FrameId);
        Assert.Equal(2UL, (await session.CompleteAsync(Token)).Frames);
        Assert.Equal(1UL, relay.Opened[1].ResponsesReceived);
    }

    [Theory]
    [InlineData(StatusCode.OutOfRange)]
    [InlineData(StatusCode.InvalidArgument)]
    [InlineData(StatusCode.Unimplemented)]
    public async Task A_server_that_refuses_the_token_is_not_asked_again(StatusCode status)
    {
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(analyzer);
        using var relay = new BreakingRelay(server) { Fates = [new(), new() { Refusal = new Status(status, "not like this") }] };
        await using var host = await FakeHost.StartAsync(relay);
        using var client = Connect(host);
        await using var session = await client.OpenSessionAsync(cancellationToken: Token);
        await SendAsync(session, analyzer, 0);

        relay.Break();

        AssertLost(Assert.Single(await ReadAllAsync(session)), "not like this");
        Assert.Equal(2, relay.Connections);
    }

    [Fact]
    public async Task Connections_that_are_of_no_use_come_to_an_end()
    {
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(
            analyzer, new LoupeOptions { Sessions = new SessionOptions { ResumeWindow = TimeSpan.FromSeconds(20) } });
        using var relay = new BreakingRelay(server) { Fates = [new(), .. Enumerable.Repeat(new Fate { AfterGrant = true }, 10_000)] };
        await using var host = await FakeHost.StartAsync(relay);
        using var client = Connect(host, new HastyTime());
        await using var session = await client.OpenSessionAsync(cancellationToken: Token);
        await SendAsync(session, analyzer, 0);

        relay.Break();

        AssertLost(Assert.Single(await ReadAllAsync(session)), "could not be resumed");
        Assert.InRange(relay.Connections, 3, 100);
    }

    [Fact]
    public async Task A_frame_that_nothing_lets_pass_is_given_up_and_takes_none_along()
    {
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer { Answer = input => ScriptedAnalyzer.Result(input.Data.Span[0] / 100f) });
        using var relay = new BreakingRelay(server) { MaxFrameBytes = 1000 };
        await using var host = await FakeHost.StartAsync(relay);
        using var client = Connect(host);
        await using var session = await client.OpenSessionAsync(cancellationToken: Token);
        var reading = ReadAllAsync(session);
        var replies = new List<Task<ControlReply>>();
        for (byte i = 0; i < 6; i++)
        {
            var frame = new byte[i is 1 or 4 ? 2_000_000 : 10];
            frame[0] = i;
            await session.SendAsync(new EncodedFrame(frame) { FrameId = i }, Token);
            replies.Add(session.SetThresholdsAsync(new Thresholds { Low = 0.1f, High = High(i) }, Token));
        }

        var summary = await session.CompleteAsync(Patience.Token());

        var outcomes = await reading;
        Assert.Equal([0, 1, 2, 3, 4, 5], outcomes.Select(outcome => (int)outcome.FrameId));
        Assert.Equal([0, 2, 3, 5], outcomes.OfType<LoupeResult>().Select(outcome => (int)Math.Round(outcome.Result.Score * 100)));
        Assert.Equal([0, 1, 2, 3], outcomes.OfType<LoupeResult>().Select(outcome => (int)outcome.Sequence!));
        Assert.All(outcomes.OfType<LoupeFailed>(), outcome => AssertLost(outcome, "while this frame of 1.9 MiB was sent: a proxy in between may not let it pass (nginx: client_max_body_size"));
        Assert.Equal([1, 4], outcomes.OfType<LoupeFailed>().Select(outcome => (int)outcome.FrameId));
        Assert.Equal(4UL, summary.Frames);
        Assert.Equal(Enumerable.Range(0, 6).Select(High), (await Task.WhenAll(replies)).Select(reply => reply.Thresholds.High));
        Assert.Null(session.Fault);
    }

    [Fact]
    public async Task Without_reconnecting_the_session_ends_with_its_connection()
    {
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(analyzer, RunningServer.LongWindow);
        using var relay = new BreakingRelay(server);
        await using var host = await FakeHost.StartAsync(relay);
        using var client = Connect(host);
        await using var session = await client.OpenSessionAsync(new LoupeSessionOptions { Reconnect = false }, Token);
        await SendAsync(session, analyzer, 0);

        relay.Break();

        AssertLost(Assert.Single(await ReadAllAsync(session)), "broke");
        Assert.Equal(1, relay.Connections);
        Assert.False(relay.Opened[0].Resumable);
        await Patience.UntilAsync(() => server.Sessions.Count == 0);
    }

    [Fact]
    public async Task Disposing_stops_the_attempts()
    {
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(analyzer);
        using var relay = new BreakingRelay(server);
        // Nobody else is to be found there when it is away.
        var host = await FakeHost.StartAsync(relay, FreePort.Find());
        using var client = Connect(host);
        var session = await client.OpenSessionAsync(cancellationToken: Token);
        await SendAsync(session, analyzer, 0);
        await host.DisposeAsync();
        await using var events = session.Events(Token).GetAsyncEnumerator(Token);
        Assert.True(await events.MoveNextAsync());

        await session.DisposeAsync().AsTask().WaitAsync(Patience.Token());

        Assert.Equal(LoupeFailureCode.Canceled, Assert.IsType<LoupeFailed>(Assert.Single(await ReadAllAsync(session))).Code);
    }

    [Fact]
    public async Task A_session_without_frames_in_flight_says_goodbye_when_it_is_disposed()
    {
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer(), RunningServer.LongWindow);
        using var client = new LoupeClient(new LoupeClientOptions { Address = server.Server.Grpc });
        var session = await client.OpenSessionAsync(cancellationToken: Token);
        Assert.Equal(1, server.Sessions.Count);

        await session.DisposeAsync();

        // Else it would wait for its client.
        await Patience.UntilAsync(() => server.Sessions.Count == 0);
    }

    private static LoupeClient Connect(FakeHost host, TimeProvider? time = null) =>
        new(new LoupeClientOptions { Address = host.Address, TimeProvider = time ?? TimeProvider.System });

    private static EncodedFrame Picture(ulong number) => new(new byte[] { 1, 2, 3 }) { FrameId = number };

    /// <summary>Frames that the server has and does not answer.</summary>
    private static async Task SendAsync(LoupeSession session, ScriptedAnalyzer analyzer, params ulong[] numbers)
    {
        foreach (var number in numbers)
        {
            await session.SendAsync(Picture(number), Token);
            await analyzer.NextAsync();
        }
    }

    /// <summary>The upper threshold that the control before a frame sets.</summary>
    private static float High(int frame) => 0.5f + (frame / 100f);

    private static void AssertLost(LoupeOutcome outcome, string why)
    {
        var failed = Assert.IsType<LoupeFailed>(outcome);
        Assert.Equal(LoupeFailureCode.ConnectionLost, failed.Code);
        Assert.Contains(why, failed.Message, StringComparison.Ordinal);
    }

    private static async Task<List<LoupeOutcome>> ReadAllAsync(LoupeSession session) => await session.Results(Token).ToListAsync(Patience.Token());
}
