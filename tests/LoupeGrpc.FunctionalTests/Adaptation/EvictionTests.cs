using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.V1;

namespace LoupeGrpc.FunctionalTests.Adaptation;

/// <summary>What happens when all adaptation states together pass <c>Loupe:Adaptation:MaxStateBytes</c>.</summary>
public sealed class EvictionTests(NanoEngine nano)
{
    private readonly long _state = nano.Analyzer.CreateAdaptation(new Engine.Adaptation.AdaptationSettings()).MaxSizeInBytes;

    [Fact]
    public async Task A_session_that_begins_to_adapt_evicts_another_which_is_told_and_goes_on_without()
    {
        await using var server = await StartAsync(states: 1);
        using var totals = new MetricTotals(server);
        using var first = await server.OpenAsync(AdaptingStream.Open());
        await AdaptingStream.SendFrameAsync(first, 0);
        Assert.Equal(0ul, (await first.NextOutcomeAsync()).Result.Adaptation.Step);

        using var second = await server.OpenAsync(AdaptingStream.Open());
        Assert.Empty(second.Grant.Unavailable);
        var eviction = (await first.NextAsync()).Event;
        Assert.Equal((SessionEventKind.AdaptationEvicted, 1ul), (eviction.Kind, eviction.Sequence));
        Assert.Contains("Loupe:Adaptation:MaxStateBytes", eviction.Message, StringComparison.Ordinal);
        Assert.Null(eviction.Adaptation);
        Assert.Equal((1ul, (ulong)_state), await UsageAsync(server));

        // Without a state it is answered as a session that never adapted is.
        using var plain = await server.OpenAsync(new OpenSession { Mask = new MaskSettings { Policy = MaskPolicy.Always } });
        await AdaptingStream.SendFrameAsync(plain, 1);
        await AdaptingStream.SendFrameAsync(first, 1);
        var (expected, outcome) = (await plain.NextOutcomeAsync(), await first.NextOutcomeAsync());
        expected.Sequence = outcome.Sequence;
        Assert.Equal(AdaptingStream.Essence(new AnalyzeResponse { Outcome = expected }), AdaptingStream.Essence(new AnalyzeResponse { Outcome = outcome }));

        // Controls of a state that is gone are answered; the one that asks for a new state evicts in its turn.
        await first.SendAsync(new Control { SnapshotAdaptation = new SnapshotAdaptation() });
        var refused = await first.NextReplyAsync();
        Assert.Equal(FailureCode.Invalid, refused.Failed.Code);
        Assert.Contains("evicted", refused.Failed.Message, StringComparison.Ordinal);
        Assert.Null(refused.Adaptation);
        await first.SendAsync(new Control { SetAdaptation = new SetAdaptation { Settings = AdaptingStream.Unguarded() } });
        Assert.Equal(0ul, (await first.NextReplyAsync()).Adaptation.Step);
        Assert.Equal(SessionEventKind.AdaptationEvicted, (await second.NextAsync()).Event.Kind);
        await AdaptingStream.SendFrameAsync(first, 2);
        await AdaptingStream.SendFrameAsync(first, 3);
        Assert.Equal(0ul, (await first.NextOutcomeAsync()).Result.Adaptation.Step);
        Assert.Equal(1ul, (await first.NextOutcomeAsync()).Result.Adaptation.Step);
        Assert.Equal((2ul, (ulong)_state), await UsageAsync(server));
        Assert.Equal((2, _state), (totals["loupe.adaptation.evictions"], totals["loupe.adaptation.state"]));

        await first.CompleteAsync();
        Assert.Equal(2ul, Assert.Single(await first.RestAsync()).Summary.Adaptation.Step);
        Assert.Equal(0, totals["loupe.adaptation.state"]);
    }

    [Fact]
    public async Task The_state_that_was_not_used_for_the_longest_time_goes()
    {
        await using var server = await StartAsync(states: 2);
        using var first = await server.OpenAsync(AdaptingStream.Open());
        using var second = await server.OpenAsync(AdaptingStream.Open());

        // The older one is used again, by a frame; later the other one, by a control.
        await AdaptingStream.SendFrameAsync(first, 0);
        await first.NextOutcomeAsync();
        using var third = await server.OpenAsync(AdaptingStream.Open());
        Assert.Equal(SessionEventKind.AdaptationEvicted, (await second.NextAsync()).Event.Kind);
        await AdaptingStream.SendFrameAsync(third, 0);
        await third.NextOutcomeAsync();
        await first.SendAsync(new Control { SetThresholds = new Thresholds { Low = 0.1f, High = 0.2f } });
        await first.NextReplyAsync();
        using var fourth = await server.OpenAsync(AdaptingStream.Open());
        Assert.Equal(SessionEventKind.AdaptationEvicted, (await third.NextAsync()).Event.Kind);
        await AdaptingStream.SendFrameAsync(first, 1);
        Assert.Equal(1ul, (await first.NextOutcomeAsync()).Result.Adaptation.Step);
    }

    [Fact]
    public async Task An_eviction_falls_between_two_frames_of_those_in_flight()
    {
        const int Frames = 24;
        await using var server = await StartAsync(states: 1);
        using var first = await server.OpenAsync(AdaptingStream.Open(AdaptingStream.Unguarded()));
        for (int number = 0; number < Frames; number++)
        {
            await AdaptingStream.SendFrameAsync(first, number);
        }

        await first.NextOutcomeAsync();
        using var second = await server.OpenAsync(AdaptingStream.Open());
        await first.CompleteAsync();
        var rest = await first.RestAsync();
        int at = rest.FindIndex(static response => response.Event is not null);
        Assert.Equal(SessionEventKind.AdaptationEvicted, Assert.Single(rest, static response => response.Event is not null).Event.Kind);

        // One was received before: the event stands before the first frame that it concerns.
        Assert.Equal((ulong)at + 1, rest[at].Event.Sequence);
        Assert.All(rest[..at].Index(), static entry => Assert.Equal((ulong)entry.Index + 1, entry.Item.Outcome.Result.Adaptation.Step));
        Assert.All(rest[(at + 1)..^1], static response => Assert.Null(response.Outcome.Result.Adaptation));
        Assert.Equal(Frames + 1, rest.Count);
        Assert.Null(rest[^1].Summary.Adaptation);
    }

    [Fact]
    public async Task A_parked_session_loses_its_state_first_and_hears_it_when_it_comes_back()
    {
        await using var server = await StartAsync(states: 1);
        using var connection = server.Connect();
        using var broken = await connection.OpenAsync(AdaptingStream.Open());
        await AdaptingStream.SendFrameAsync(broken, 0);
        await broken.NextOutcomeAsync();
        await server.BreakAsync(connection);
        using var other = await server.OpenAsync(AdaptingStream.Open());
        Assert.NotNull(other.Grant.Adaptation);

        using var resumed = await server.ResumeAsync(broken);
        Assert.Null(resumed.Grant.Adaptation);
        Assert.Equal(SessionEventKind.AdaptationEvicted, (await resumed.NextAsync()).Event.Kind);
        await AdaptingStream.SendFrameAsync(resumed, 1);
        Assert.Null((await resumed.NextOutcomeAsync()).Result.Adaptation);

        // The other one keeps its own until it ends; then the room is there without an eviction.
        await other.CompleteAsync();
        Assert.NotNull(Assert.Single(await other.RestAsync()).Summary.Adaptation);
        await resumed.SendAsync(new Control { SetAdaptation = new SetAdaptation { Settings = new AdaptationSettings { Enabled = true } } });
        Assert.Equal(0ul, (await resumed.NextReplyAsync()).Adaptation.Step);
        Assert.Equal((1ul, (ulong)_state), await UsageAsync(server));
    }

    [Fact]
    public async Task Sessions_that_push_each_other_out_all_get_their_outcomes()
    {
        const int Sessions = 6;
        const int Rounds = 4;
        await using var server = await StartAsync(states: 2);
        await Task.WhenAll(Enumerable.Range(0, Sessions).Select(async _ =>
        {
            using var session = await server.OpenAsync(AdaptingStream.Open());
            for (int round = 0; round < Rounds; round++)
            {
                await AdaptingStream.SendFrameAsync(session, round);
                await session.SendAsync(new Control { SetAdaptation = new SetAdaptation { Settings = new AdaptationSettings { Enabled = true } } });
            }

            await session.CompleteAsync();
            var rest = await session.RestAsync();
            Assert.Equal(Enumerable.Range(0, Rounds).Select(static number => (ulong)number), rest.Where(static r => r.Outcome is not null).Select(static r => r.Outcome.Sequence));
            Assert.Equal(Rounds, rest.Count(static response => response.ControlReply is { Failed: null }));
        }));
        Assert.Equal(0ul, (await UsageAsync(server)).Used);
    }

    private Task<RunningServer> StartAsync(int states) =>
        RunningServer.StartAsync(nano.Analyzer, new LoupeOptions { Adaptation = new AdaptationOptions { MaxStateBytes = (states * _state) + (_state / 2) } });

    private static async Task<(ulong Evictions, ulong Used)> UsageAsync(RunningServer server)
    {
        var info = await server.Client.GetServerInfoAsync(new GetServerInfoRequest(), cancellationToken: Patience.Token());
        return (info.AdaptationUsage.Evictions, info.AdaptationUsage.UsedBytes);
    }
}
