using Grpc.Core;
using LoupeGrpc.Client;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.V1;
using Fate = LoupeGrpc.FunctionalTests.Client.FakeResumableService.Fate;

namespace LoupeGrpc.FunctionalTests.Client;

/// <summary>Sessions whose connection breaks, against a server that breaks it where the test says.</summary>
public class ReconnectTests
{
    private const int Frames = 30;

    /// <summary>A control goes before each frame whose number this divides.</summary>
    private const int ControlEvery = 7;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string> Breaks => [.. Scripts.Keys];

    private static Task Never { get; } = new TaskCompletionSource().Task;

    private static Dictionary<string, Fate[]> Scripts { get; } = new()
    {
        ["around the first grant"] = [new() { BeforeGrant = true }, new() { AfterGrant = true }, new() { AfterResponses = 1 }],
        ["between outcomes"] = [new() { AfterResponses = 3 }],
        ["before frames received are answered"] = [new() { AfterFrames = 5 }],
        ["while the session is resumed"] = [new() { AfterResponses = 1 }, new() { BeforeGrant = true }, new() { AfterGrant = true }],
        ["again and again"] = [.. Enumerable.Range(1, 6).Select(i => new Fate { AfterResponses = 1 + (i % 3) })],
        ["after each frame"] = [.. Enumerable.Range(1, 20).Select(i => new Fate { AfterFrames = (ulong)i })],
    };

    [Theory]
    [MemberData(nameof(Breaks))]
    public async Task Each_frame_has_its_outcome_once_and_in_order_wherever_the_connection_breaks(string where)
    {
        var service = new FakeResumableService { Fates = Scripts[where] };
        await using var host = await FakeHost.StartAsync(service);
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
                controls.Add(session.SetThresholdsAsync(new Thresholds { Low = 0.1f, High = i / 100f }, Token));
            }

            buffer[0] = (byte)(i + 1);
            await session.SendAsync(new EncodedFrame(buffer) { FrameId = (ulong)i }, Token);
        }

        var summary = await session.CompleteAsync(Token);

        Assert.Equal((ulong)Frames, summary.Frames);
        var outcomes = await reading;
        Assert.Equal(Enumerable.Range(0, Frames).Select(i => (ulong)i), outcomes.Select(outcome => outcome.FrameId));
        Assert.All(outcomes, outcome => Assert.IsType<LoupeResult>(outcome));
        Assert.Equal(Enumerable.Range(0, Frames).Where(i => i % ControlEvery == 0).Select(i => i / 100f), (await Task.WhenAll(controls)).Select(reply => reply.Thresholds.High));
        Assert.Equal(Sent(), service.Received);
        Assert.Null(session.Fault);
        Assert.All(service.Opened.Skip(1), open => Assert.Equal("gate", open.SessionName));
        var events = await session.Events(Token).ToListAsync(Token);
        // A grant that is lost on the way resumes nothing.
        Assert.InRange(events.OfType<LoupeResumed>().Count(), 1, service.Opened.Count(open => !open.ResumeToken.IsEmpty));
    }

    [Fact]
    public async Task What_the_server_has_forgotten_is_lost_and_says_so()
    {
        var service = new FakeResumableService { Fates = [new() { AfterFrames = 2 }], Gate = Never, HasForgotten = true };
        await using var host = await FakeHost.StartAsync(service);
        using var client = Connect(host);
        await using var session = await client.OpenSessionAsync(cancellationToken: Token);
        await session.SendAsync(Picture(0), Token);
        await session.SendAsync(Picture(1), Token);

        var outcomes = await ReadAllAsync(session);

        Assert.Equal([0UL, 1UL], outcomes.Select(outcome => outcome.FrameId));
        Assert.All(outcomes, outcome => AssertLost(outcome, "does not have the session any more: no such session"));
        await Assert.ThrowsAsync<LoupeConnectionLostException>(() => session.FlushAsync(Token));
        await Assert.ThrowsAsync<LoupeConnectionLostException>(() => session.CompleteAsync(Token));
        Assert.False(service.Opened[1].Resumable);
        Assert.Null(service.Opened[1].Adaptation);
    }

    [Fact]
    public async Task A_session_that_was_taken_over_is_not_taken_back()
    {
        var service = new FakeResumableService { Fates = [new() { AfterFrames = 2 }, new() { TakenOver = true }], Gate = Never };
        await using var host = await FakeHost.StartAsync(service);
        using var client = Connect(host);
        await using var session = await client.OpenSessionAsync(cancellationToken: Token);
        await session.SendAsync(Picture(0), Token);
        await session.SendAsync(Picture(1), Token);

        Assert.All(await ReadAllAsync(session), outcome => AssertLost(outcome, "another connection took over the session"));
        Assert.Equal(2, service.Connections);
        Assert.Contains(
            await session.Events(Token).ToListAsync(Token), happened => happened is LoupeServerEvent { Event.Kind: SessionEventKind.TakenOver });
    }

    [Fact]
    public async Task A_server_that_stays_away_is_waited_for_as_long_as_it_keeps_the_session()
    {
        var service = new FakeResumableService { Gate = Never, Window = TimeSpan.FromMilliseconds(300) };
        var host = await FakeHost.StartAsync(service);
        using var client = Connect(host);
        await using var session = await client.OpenSessionAsync(cancellationToken: Token);
        await session.SendAsync(Picture(0), Token);

        await host.DisposeAsync();

        AssertLost(Assert.Single(await ReadAllAsync(session)), "could not be resumed: no LoupeGrpc server at");
        Assert.Single((await session.Events(Token).ToListAsync(Token)).OfType<LoupeDisconnected>());
        await Assert.ThrowsAsync<LoupeConnectionLostException>(() => session.SendAsync(Picture(1), Token).AsTask());
    }

    [Fact]
    public async Task A_server_that_comes_back_finds_the_session_waiting()
    {
        var service = new FakeResumableService();
        var host = await FakeHost.StartAsync(service);
        using var client = Connect(host);
        await using var session = await client.OpenSessionAsync(cancellationToken: Token);
        await using var results = session.Results(Token).GetAsyncEnumerator(Token);
        await session.SendAsync(Picture(0), Token);
        Assert.True(await results.MoveNextAsync());

        await host.DisposeAsync();
        await using var events = session.Events(Token).GetAsyncEnumerator(Token);
        Assert.True(await events.MoveNextAsync());
        Assert.InRange(Assert.IsType<LoupeDisconnected>(events.Current).Window, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30));
        var waiting = session.SendAsync(Picture(1), Token).AsTask();
        await using var again = await FakeHost.StartAsync(service, host.Address.Port);
        Assert.True(await events.MoveNextAsync());
        Assert.Equal(0, Assert.IsType<LoupeResumed>(events.Current).FramesSentAgain);

        await waiting;
        Assert.True(await results.MoveNextAsync());
        Assert.Equal(1UL, Assert.IsType<LoupeResult>(results.Current).FrameId);
        Assert.Equal(2UL, (await session.CompleteAsync(Token)).Frames);
        Assert.Equal(1UL, service.Opened[1].ResponsesReceived);
    }

    [Theory]
    [InlineData(StatusCode.OutOfRange)]
    [InlineData(StatusCode.InvalidArgument)]
    [InlineData(StatusCode.Unimplemented)]
    public async Task A_server_that_refuses_the_token_is_not_asked_again(StatusCode status)
    {
        var service = new FakeResumableService { Fates = [new() { AfterFrames = 1 }, new() { Refusal = new Status(status, "not like this") }], Gate = Never };
        await using var host = await FakeHost.StartAsync(service);
        using var client = Connect(host);
        await using var session = await client.OpenSessionAsync(cancellationToken: Token);
        await session.SendAsync(Picture(0), Token);

        AssertLost(Assert.Single(await ReadAllAsync(session)), "not like this");
        Assert.Equal(2, service.Connections);
    }

    [Fact]
    public async Task Connections_that_are_of_no_use_come_to_an_end()
    {
        var service = new FakeResumableService
        {
            Fates = [new() { AfterFrames = 1 }, .. Enumerable.Repeat(new Fate { AfterGrant = true }, 10_000)],
            Window = TimeSpan.FromSeconds(1),
            Gate = Never,
        };
        await using var host = await FakeHost.StartAsync(service);
        using var client = Connect(host);
        await using var session = await client.OpenSessionAsync(cancellationToken: Token);
        await session.SendAsync(Picture(0), Token);

        AssertLost(Assert.Single(await ReadAllAsync(session)), "could not be resumed");
        Assert.InRange(service.Connections, 3, 100);
    }

    [Fact]
    public async Task Without_reconnecting_the_session_ends_with_its_connection()
    {
        var service = new FakeResumableService { Fates = [new() { AfterFrames = 1 }], Gate = Never };
        await using var host = await FakeHost.StartAsync(service);
        using var client = Connect(host);
        await using var session = await client.OpenSessionAsync(new LoupeSessionOptions { Reconnect = false }, Token);
        await session.SendAsync(Picture(0), Token);

        AssertLost(Assert.Single(await ReadAllAsync(session)), "broke");
        Assert.Equal(1, service.Connections);
        Assert.False(service.Opened[0].Resumable);
    }

    [Fact]
    public async Task Disposing_stops_the_attempts()
    {
        var service = new FakeResumableService { Gate = Never };
        var host = await FakeHost.StartAsync(service);
        using var client = Connect(host);
        var session = await client.OpenSessionAsync(cancellationToken: Token);
        await session.SendAsync(Picture(0), Token);
        await host.DisposeAsync();
        await using var events = session.Events(Token).GetAsyncEnumerator(Token);
        Assert.True(await events.MoveNextAsync());

        await session.DisposeAsync().AsTask().WaitAsync(Patience.Token());

        Assert.Equal(LoupeFailureCode.Canceled, Assert.IsType<LoupeFailed>(Assert.Single(await ReadAllAsync(session))).Code);
    }

    [Fact]
    public async Task A_session_without_frames_in_flight_says_goodbye_when_it_is_disposed()
    {
        var service = new FakeResumableService();
        await using var host = await FakeHost.StartAsync(service);
        using var client = Connect(host);
        var session = await client.OpenSessionAsync(cancellationToken: Token);

        await session.DisposeAsync();

        Assert.True(service.IsHalfClosed);
    }

    private static LoupeClient Connect(FakeHost host) => new(new LoupeClientOptions { Address = host.Address });

    private static EncodedFrame Picture(ulong number) => new(new byte[] { 1, 2, 3 }) { FrameId = number };

    private static IEnumerable<string> Sent()
    {
        var control = 0;
        for (var i = 0; i < Frames; i++)
        {
            if (i % ControlEvery == 0)
            {
                yield return $"control {++control}";
            }

            yield return $"frame {i}: {i + 1}";
        }
    }

    private static void AssertLost(LoupeOutcome outcome, string why)
    {
        var failed = Assert.IsType<LoupeFailed>(outcome);
        Assert.Equal(LoupeFailureCode.ConnectionLost, failed.Code);
        Assert.Contains(why, failed.Message, StringComparison.Ordinal);
    }

    private static async Task<List<LoupeOutcome>> ReadAllAsync(LoupeSession session) => await session.Results(Token).ToListAsync(Patience.Token());
}
