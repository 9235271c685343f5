using Grpc.Core;
using LoupeGrpc.Client;
using LoupeGrpc.V1;

namespace LoupeGrpc.FunctionalTests.Client;

public class SessionTests
{
    private static readonly byte[] Picture = [1, 2, 3];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_frame_has_its_outcome_in_the_order_of_sending()
    {
        await using var server = await FakeAnalysisServer.StartAsync(new FakeAnalysisService { Credits = 3 });
        using var client = Connect(server);
        await using var session = await client.OpenSessionAsync(new LoupeSessionOptions { Name = "gate 3" }, Token);

        var reading = ReadAllAsync(session);
        for (ulong i = 0; i < 50; i++)
        {
            await session.SendAsync(new EncodedFrame(Picture) { FrameId = i }, Token);
        }

        var summary = await session.CompleteAsync(Token);
        var outcomes = await reading;

        Assert.Equal(50UL, summary.Frames);
        Assert.Equal(Enumerable.Range(0, 50).Select(i => (ulong)i), outcomes.Select(outcome => outcome.FrameId));
        Assert.Equal(Enumerable.Range(0, 50).Select(i => (long)i), outcomes.Select(outcome => outcome.Index));
        Assert.All(outcomes, outcome => Assert.Equal(outcome.FrameId / 100f, Assert.IsType<LoupeResult>(outcome).Result.Score));
        Assert.Null(session.Fault);
        Assert.Equal("gate%203", server.Service.RequestHeaders.GetValue("loupe-session"));
        Assert.Equal("gate 3", server.Service.Opened.SessionName);
    }

    [Fact]
    public async Task Sending_waits_until_an_outcome_was_taken_when_the_credits_are_spent()
    {
        await using var server = await FakeAnalysisServer.StartAsync(new FakeAnalysisService { Credits = 2, IsGated = true });
        using var client = Connect(server);
        await using var session = await client.OpenSessionAsync(cancellationToken: Token);
        await using var results = session.Results(Token).GetAsyncEnumerator(Token);
        await session.SendAsync(new EncodedFrame(Picture) { FrameId = 0 }, Token);
        await session.SendAsync(new EncodedFrame(Picture) { FrameId = 1 }, Token);

        var third = session.SendAsync(new EncodedFrame(Picture) { FrameId = 2 }, Token).AsTask();
        Assert.False(third.IsCompleted);

        server.Service.LetThrough(1);
        Assert.True(await results.MoveNextAsync());
        await third;

        server.Service.LetThrough(2);
        await session.CompleteAsync(Token);
        Assert.True(await results.MoveNextAsync());
        Assert.True(await results.MoveNextAsync());
        Assert.Equal(2UL, results.Current.FrameId);
        Assert.False(await results.MoveNextAsync());
    }

    [Fact]
    public async Task Canceling_a_send_that_waits_leaves_the_frame_out_and_the_session_usable()
    {
        await using var server = await FakeAnalysisServer.StartAsync(new FakeAnalysisService { Credits = 1, IsGated = true });
        using var client = Connect(server);
        await using var session = await client.OpenSessionAsync(cancellationToken: Token);
        await session.SendAsync(new EncodedFrame(Picture) { FrameId = 0 }, Token);
        using var cancel = new CancellationTokenSource();

        var waiting = session.SendAsync(new EncodedFrame(Picture) { FrameId = 1 }, cancel.Token).AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);

        server.Service.LetThrough(2);
        var reading = ReadAllAsync(session);
        await session.SendAsync(new EncodedFrame(Picture) { FrameId = 2 }, Token);
        await session.CompleteAsync(Token);
        Assert.Equal([0UL, 2UL], (await reading).Select(outcome => outcome.FrameId));
    }

    [Fact]
    public async Task A_broken_connection_gives_each_frame_in_flight_one_outcome_and_hangs_nothing()
    {
        await using var server = await FakeAnalysisServer.StartAsync(new FakeAnalysisService { IsGated = true, AbortAfter = 3 });
        using var client = Connect(server);
        await using var session = await client.OpenSessionAsync(cancellationToken: Token);
        server.Service.LetThrough(1);
        var reading = ReadAllAsync(session);
        var sent = new List<ulong>();

        await Assert.ThrowsAsync<LoupeConnectionLostException>(async () =>
        {
            for (ulong i = 0; ; i++)
            {
                await session.SendAsync(new EncodedFrame(Picture) { FrameId = i }, Token);
                sent.Add(i);
            }
        });

        // Whether the first answer came through before the cut is up to the network.
        var outcomes = await reading;
        Assert.Equal(sent, outcomes.Select(outcome => outcome.FrameId));
        Assert.InRange(sent.Count, 3, 9);
        Assert.All(outcomes.Skip(1), outcome => Assert.Equal(LoupeFailureCode.ConnectionLost, Assert.IsType<LoupeFailed>(outcome).Code));
        Assert.IsType<LoupeConnectionLostException>(session.Fault);
        await Assert.ThrowsAsync<LoupeConnectionLostException>(() => session.CompleteAsync(Token));
        await Assert.ThrowsAsync<LoupeConnectionLostException>(() => session.FlushAsync(Token));
    }

    [Fact]
    public async Task A_send_that_waits_for_room_is_told_when_the_connection_breaks()
    {
        await using var server = await FakeAnalysisServer.StartAsync(new FakeAnalysisService { Credits = 1, IsGated = true, AbortAfter = 1 });
        using var client = Connect(server);
        await using var session = await client.OpenSessionAsync(cancellationToken: Token);

        await session.SendAsync(new EncodedFrame(Picture), Token);
        await Assert.ThrowsAsync<LoupeConnectionLostException>(() => session.SendAsync(new EncodedFrame(Picture), Token).AsTask());
        Assert.Single(await ReadAllAsync(session));
    }

    [Fact]
    public async Task A_server_that_drains_sends_its_summary_and_takes_no_more()
    {
        await using var server = await FakeAnalysisServer.StartAsync(new FakeAnalysisService { DrainAfter = 2 });
        using var client = Connect(server);
        await using var session = await client.OpenSessionAsync(cancellationToken: Token);
        await session.SendAsync(new EncodedFrame(Picture) { FrameId = 0 }, Token);
        await session.SendAsync(new EncodedFrame(Picture) { FrameId = 1 }, Token);

        Assert.All(await ReadAllAsync(session), outcome => Assert.IsType<LoupeResult>(outcome));
        Assert.Contains("the server is stopping", session.Fault!.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<LoupeConnectionLostException>(() => session.SendAsync(new EncodedFrame(Picture), Token).AsTask());
        Assert.Equal(2UL, (await session.CompleteAsync(Token)).Frames);
        Assert.Equal([SessionEventKind.Draining], await session.Events(Token).OfType<LoupeServerEvent>().Select(happened => happened.Event.Kind).ToListAsync(Token));
    }

    [Fact]
    public async Task Disposing_in_the_middle_cancels_what_is_in_flight()
    {
        await using var server = await FakeAnalysisServer.StartAsync(new FakeAnalysisService { IsGated = true });
        using var client = Connect(server);
        var session = await client.OpenSessionAsync(cancellationToken: Token);
        await session.SendAsync(new EncodedFrame(Picture) { FrameId = 7 }, Token);
        var reading = ReadAllAsync(session);
        var completing = session.CompleteAsync(Token);

        await session.DisposeAsync();

        var failed = Assert.IsType<LoupeFailed>(Assert.Single(await reading));
        Assert.Equal((7UL, LoupeFailureCode.Canceled), (failed.FrameId, failed.Code));
        await Assert.ThrowsAsync<LoupeConnectionLostException>(() => completing);
        await Assert.ThrowsAsync<InvalidOperationException>(() => session.SendAsync(new EncodedFrame(Picture), Token).AsTask());
        await session.DisposeAsync();
    }

    [Fact]
    public async Task A_frame_over_the_limit_fails_in_its_place_and_is_not_sent()
    {
        await using var server = await FakeAnalysisServer.StartAsync(new FakeAnalysisService { MaxFrameBytes = 4 });
        using var client = Connect(server);
        await using var session = await client.OpenSessionAsync(cancellationToken: Token);
        await session.SendAsync(new EncodedFrame(Picture) { FrameId = 0 }, Token);
        await session.SendAsync(new EncodedFrame(new byte[5]) { FrameId = 1 }, Token);
        await session.SendAsync(new EncodedFrame(Picture) { FrameId = 2 }, Token);

        Assert.Equal(2UL, (await session.CompleteAsync(Token)).Frames);
        var outcomes = await ReadAllAsync(session);
        Assert.Equal([0UL, 1UL, 2UL], outcomes.Select(outcome => outcome.FrameId));
        var failed = Assert.IsType<LoupeFailed>(outcomes[1]);
        Assert.Equal(LoupeFailureCode.TooLarge, failed.Code);
        Assert.Contains("Loupe:Limits:MaxFrameBytes", failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Controls_wait_for_their_own_reply()
    {
        await using var server = await FakeAnalysisServer.StartAsync(new FakeAnalysisService { IsGated = true });
        using var client = Connect(server);
        await using var session = await client.OpenSessionAsync(cancellationToken: Token);

        var reply = await session.SetThresholdsAsync(new Thresholds { Low = 0.2f, High = 0.3f }, Token);
        Assert.Equal(0.3f, reply.Thresholds.High);
        var refused = await Assert.ThrowsAsync<LoupeRequestException>(() => session.FreezeAdaptationAsync(Token));
        Assert.Equal((LoupeFailureCode.Unsupported, "this build does not adapt"), (refused.Code, refused.Message));
        await session.FlushAsync(Token);
        await session.CompleteAsync(Token);
        await Assert.ThrowsAsync<InvalidOperationException>(() => session.FlushAsync(Token));
        await Assert.ThrowsAsync<InvalidOperationException>(() => session.SendAsync(new EncodedFrame(Picture), Token).AsTask());
    }

    [Fact]
    public async Task A_refused_session_says_why()
    {
        await using var server = await FakeAnalysisServer.StartAsync(
            new FakeAnalysisService { Refusal = new Status(StatusCode.ResourceExhausted, "64 sessions are open: Loupe:Limits:MaxSessions") });
        using var client = Connect(server);

        var refused = await Assert.ThrowsAsync<LoupeRequestException>(() => client.OpenSessionAsync(cancellationToken: Token));

        Assert.Equal((LoupeFailureCode.Overloaded, "64 sessions are open: Loupe:Limits:MaxSessions"), (refused.Code, refused.Message));
    }

    [Fact]
    public async Task An_outcome_for_a_frame_that_waits_for_none_ends_the_session()
    {
        await using var server = await FakeAnalysisServer.StartAsync(
            new FakeAnalysisService { Answer = (frame, _) => FakeAnalysisService.Result(frame, 99, 0) });
        using var client = Connect(server);
        await using var session = await client.OpenSessionAsync(cancellationToken: Token);
        await session.SendAsync(new EncodedFrame(Picture), Token);

        var failed = Assert.IsType<LoupeFailed>(Assert.Single(await ReadAllAsync(session)));

        Assert.Equal(LoupeFailureCode.ConnectionLost, failed.Code);
        Assert.Contains("broke the protocol", failed.Message, StringComparison.Ordinal);
    }

    private static LoupeClient Connect(FakeAnalysisServer server) => new(new LoupeClientOptions { Address = server.Address });

    private static async Task<List<LoupeOutcome>> ReadAllAsync(LoupeSession session) => await session.Results(Token).ToListAsync(Token);
}
