using Grpc.Core;
using LoupeGrpc.FunctionalTests.Adaptation;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.V1;
using Microsoft.Extensions.Time.Testing;

namespace LoupeGrpc.FunctionalTests.Stores;

/// <summary>Servers that stop while more frames wait than they have time for: the next server analyses them.</summary>
public sealed class LeftFramesTests(NanoEngine nano)
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Frames_that_still_wait_are_the_next_servers_and_no_byte_of_any_answer_differs(bool adapts)
    {
        await using var redis = await RedisProcess.StartAsync();
        var open = adapts ? AdaptingStream.Open() : HandOverTests.Plain;
        var expected = await UndisturbedAsync(open);

        List<AnalyzeResponse> actual = [];
        using var gated = new GatedAnalyzer(nano.Analyzer);
        var clock = new FakeTimeProvider();
        await using var first = await RunningServer.StartAsync(gated, Options(redis), clock);
        await using var second = await RunningServer.StartAsync(nano.Analyzer, Options(redis));
        using var opened = gated.OpenAtEnd();
        using var session = await StreamAsync(first, gated, open, actual);
        var inside = gated.Standing;

        var stopping = first.Server.StopAsync();
        var waits = first.Sessions.List()[0].Work;
        await Patience.UntilAsync(() =>
        {
            clock.Advance(TimeSpan.FromMinutes(1));
            return waits.Count().InFlight == inside;
        });
        gated.Pass(inside);
        var (before, failure) = await session.FailureAsync();
        Assert.Equal((StatusCode.Unavailable, "the server is stopping: the session can be resumed at another one"), (failure.StatusCode, failure.Status.Detail));
        actual.AddRange(before);
        await stopping;

        using var next = await second.ResumeAsync(session);
        var sent = (int)(next.Grant.NextSequence + next.Grant.ControlsReceived);
        Assert.Equal(AnsweredFirst + inside, sent);
        foreach (var request in HandOverTests.Script[sent..])
        {
            await next.SendAsync(request);
        }

        await next.CompleteAsync();
        actual.AddRange(await next.RestAsync());
        Assert.Equal(expected.SkipLast(1).Select(AdaptingStream.Essence), actual.SkipLast(1).Select(AdaptingStream.Essence));
        var (unbroken, handedOn) = (expected[^1].Summary, actual[^1].Summary);
        unbroken.Duration = handedOn.Duration = null;
        Assert.Equal(unbroken, handedOn);
    }

    [Fact]
    public async Task They_are_dropped_with_the_reason_where_the_store_goes_away_meanwhile()
    {
        await using var redis = await RedisProcess.StartAsync();
        List<AnalyzeResponse> responses = [];
        using var gated = new GatedAnalyzer(nano.Analyzer);
        var clock = new FakeTimeProvider();
        await using var server = await RunningServer.StartAsync(gated, Options(redis), clock);
        using var opened = gated.OpenAtEnd();
        using var session = await StreamAsync(server, gated, AdaptingStream.Open(), responses);
        var inside = gated.Standing;

        var stopping = server.Server.StopAsync();
        var work = server.Sessions.List()[0].Work;
        await Patience.UntilAsync(() =>
        {
            clock.Advance(TimeSpan.FromMinutes(1));
            return work.Count().InFlight == inside;
        });
        await redis.StopAsync();
        gated.Pass(inside);
        var (before, failure) = await session.FailureAsync();
        Assert.Equal((StatusCode.Unavailable, "the server is stopping"), (failure.StatusCode, failure.Status.Detail));
        responses.AddRange(before);
        await stopping;

        var taken = responses[^1].Summary.Frames;
        var outcomes = responses.Where(static response => response.Outcome is not null).Select(static response => response.Outcome).ToList();
        Assert.Equal(Enumerable.Range(0, (int)taken).Select(static number => (ulong)number), outcomes.Select(static outcome => outcome.Sequence));
        Assert.All(outcomes.Take(AnsweredFirst + inside), static outcome => Assert.NotNull(outcome.Result));
        Assert.All(outcomes.Skip(AnsweredFirst + inside), static outcome => Assert.Equal(DropReason.SessionEnded, outcome.Dropped.Reason));
        Assert.True((int)taken > AnsweredFirst + inside, "nothing was left");
    }

    /// <summary>Frames that are answered before the server is to stop.</summary>
    private const int AnsweredFirst = 2;

    /// <summary>Four frames, a control, three more frames and another control.</summary>
    private const int SentFirst = 9;

    private static LoupeOptions Options(RedisProcess redis) => new()
    {
        Sessions = new() { Store = redis.Address() },
        Shutdown = RunningServer.LongDrain,
        Limits = new() { SessionConcurrency = 1 },
    };

    /// <summary>Sends the script; some of it is answered, one frame is in the engine, and the server has taken in as much as it takes.</summary>
    private static async Task<RawSession> StreamAsync(RunningServer server, GatedAnalyzer gated, OpenSession open, List<AnalyzeResponse> received)
    {
        var session = await server.OpenAsync(open);
        gated.Pass(AnsweredFirst);
        // No more than flow control lets a client send ahead of a server that does not read.
        foreach (var request in HandOverTests.Script.Take(SentFirst))
        {
            await session.SendAsync(request);
        }

        for (var count = 0; count < AnsweredFirst; count++)
        {
            received.Add(await session.NextAsync());
        }

        // All the frames before the first control.
        await Patience.UntilAsync(() => gated.Standing == 1 && server.Sessions.List()[0].Count().Frames >= 4);
        return session;
    }

    private async Task<List<AnalyzeResponse>> UndisturbedAsync(OpenSession open)
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer);
        using var session = await server.OpenAsync(open);
        foreach (var request in HandOverTests.Script)
        {
            await session.SendAsync(request);
        }

        await session.CompleteAsync();
        return await session.RestAsync();
    }
}
