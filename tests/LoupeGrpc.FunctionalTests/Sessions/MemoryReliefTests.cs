using Google.Protobuf;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Sessions.Memory;
using LoupeGrpc.V1;
using Microsoft.Extensions.Time.Testing;
using EncodedMask = LoupeGrpc.Engine.EncodedMask;
using MaskEncoding = LoupeGrpc.Engine.MaskEncoding;

namespace LoupeGrpc.FunctionalTests.Sessions;

/// <summary>What sessions make the server keep stays within what is set, and costs only those who keep it.</summary>
public class MemoryReliefTests
{
    private const int MaskBytes = 1 << 20;

    private static readonly LoupeOptions Options = new() { Limits = new LimitOptions { MaxRespondingBytes = 16L << 20, MaxSessions = 64, SessionConcurrency = 2 } };

    [Fact]
    public async Task Clients_that_do_not_read_fill_no_more_than_is_set_and_harm_nobody()
    {
        var time = new FakeTimeProvider();
        await using var server = await RunningServer.StartAsync(Masks(), Options, time);
        var most = 0L;
        await using var watching = new Timer(_ => most = Math.Max(most, server.Ledger.Responses.Held), null, 0, 1);
        List<RawSession> deaf = [];
        for (var i = 0; i < 24; i++)
        {
            var session = await server.OpenAsync();
            deaf.Add(session);
            for (ulong id = 1; id <= 8; id++)
            {
                await session.SendFrameAsync(id);
            }
        }

        await Patience.UntilAsync(() => server.Ledger.Responses.IsOver);

        // Somebody who reads is served meanwhile, frame by frame.
        using var reads = await server.OpenAsync();
        for (ulong id = 1; id <= 20; id++)
        {
            await reads.SendFrameAsync(id);
            Assert.Equal(id, (await reads.NextOutcomeAsync()).FrameId);
        }

        Assert.InRange(most, Options.Limits.MaxRespondingBytes, Options.Limits.MaxRespondingBytes + (Options.Engine.MaxFramesInPipeline * (long)(MaskBytes + 4096)));
        deaf.ForEach(static session => session.Dispose());
        await Patience.UntilAsync(() => server.Sessions.Count == 1);
        await Patience.UntilAsync(() => server.Ledger.Responses.Held == 0);
    }

    [Fact]
    public async Task Who_waits_to_be_resumed_goes_first_then_who_reads_nothing_then_what_is_kept_for_others()
    {
        var time = new FakeTimeProvider();
        await using var server = await RunningServer.StartAsync(Masks(), Options, time);
        using var parkedConnection = server.Connect();
        using var parked = await parkedConnection.OpenAsync(new OpenSession { Resumable = true });
        await AnalyseAsync(parked, 2);
        parkedConnection.Break();
        await server.UntilParkedAsync();

        using var deaf = await server.OpenAsync();
        for (ulong id = 1; id <= 8; id++)
        {
            await deaf.SendFrameAsync(id);
        }

        await Patience.UntilAsync(() => server.Sessions.Find(deaf.Grant.SessionId)!.Work.Outbox.UnreadSince is not null);
        using var keeps = await server.OpenAsync(new OpenSession { Resumable = true });
        await AnalyseAsync(keeps, 4);
        time.Advance(MemoryRelief.Patience);

        var responses = server.Ledger.Responses;
        Assert.Equal(3, server.Sessions.Count);

        var pressure = Fill(responses);
        await Patience.UntilAsync(() => server.Sessions.Count == 2);
        Assert.Null(server.Sessions.FindByToken(parked.Grant.ResumeToken.Span, string.Empty));

        pressure += Fill(responses);
        await Patience.UntilAsync(() =>
        {
            // Its last words are not waited for either.
            time.Advance(TimeSpan.FromSeconds(1));
            return server.Sessions.Count == 1;
        });
        Assert.Contains(server.Log.Lines, static line => line.Contains("unread", StringComparison.Ordinal));
        Assert.True(server.Sessions.List()[0].Work.Outbox.WrittenBytes > 4 * MaskBytes);

        pressure += Fill(responses);
        await Patience.UntilAsync(() => server.Sessions.List()[0].Work.Outbox.WrittenBytes == 0);
        Assert.Equal(1, server.Sessions.Count);
        responses.Return(pressure);

        // It goes on as if nothing had been.
        await AnalyseAsync(keeps, 2);
        await keeps.CompleteAsync();
        Assert.Equal(6ul, Assert.Single(await keeps.RestAsync()).Summary.Results);
        await Patience.UntilAsync(() => responses.Held == 0);
    }

    /// <summary>It stands in no account.</summary>
    [Fact]
    public async Task What_a_session_was_opened_with_does_not_stay_as_long_as_the_session()
    {
        const int Length = 24 << 20;
        const int Count = 12;
        await using var server = await RunningServer.StartAsync(Masks());
        var opening = new OpenSession { AdaptationSnapshot = ByteString.CopyFrom(new byte[Length]) };
        var before = GC.GetTotalMemory(forceFullCollection: true);
        List<RawSession> sessions = [];
        for (var i = 0; i < Count; i++)
        {
            sessions.Add(await server.OpenAsync(opening));
        }

        // Other tests run in this process.
        await Patience.UntilAsync(() => GC.GetTotalMemory(forceFullCollection: true) < before + (Count * (long)Length / 2));

        sessions.ForEach(static session => session.Dispose());
    }

    [Fact]
    public async Task Frames_without_an_order_do_not_pile_up_behind_one_that_is_not_decided()
    {
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(analyzer);
        using var session = await server.OpenAsync(new OpenSession { Unordered = true });
        await session.SendFrameAsync(0);
        var stuck = await analyzer.NextAsync();
        var running = Assert.Single(server.Sessions.List());
        var sending = Task.Run(async () =>
        {
            for (ulong id = 1; id <= 3000; id++)
            {
                await session.SendFrameAsync(id, static frame => frame.Encoded = null);
            }
        }, CancellationToken.None);
        var reading = Task.Run(async () =>
        {
            List<FrameOutcome> outcomes = [];
            while (outcomes.Count < 3001)
            {
                outcomes.Add(await session.NextOutcomeAsync());
            }

            return outcomes;
        }, CancellationToken.None);

        await Patience.UntilAsync(() => running.Count().Frames >= 1024);
        await Task.Delay(200, Patience.Token());
        Assert.Equal(1024ul, running.Count().Frames);
        stuck.Succeed();

        // All of them, and the one they waited for among them.
        await sending;
        var outcomes = await reading;
        Assert.Equal(0ul, Assert.Single(outcomes, static outcome => outcome.Result is not null).FrameId);
        Assert.Equal(3000, outcomes.Count(static outcome => outcome.Failed is not null));
        await session.CompleteAsync();
        var summary = Assert.Single(await session.RestAsync()).Summary;
        Assert.Equal((3001ul, 1ul, 3000ul), (summary.Frames, summary.Results, summary.Failed));
    }

    private static long Fill(ResponseMemory responses)
    {
        var bytes = responses.Limit - responses.Held + 1;
        responses.Add(bytes);
        return bytes;
    }

    private static ScriptedAnalyzer Masks() => new()
    {
        Answer = static _ => ScriptedAnalyzer.Result(0.9f) with { Mask = new EncodedMask(MaskEncoding.Rle, new byte[MaskBytes], 1, 1, 1) },
    };

    private static async Task AnalyseAsync(RawSession session, int frames)
    {
        for (var i = 0; i < frames; i++)
        {
            await session.SendFrameAsync(1);
            await session.NextOutcomeAsync();
        }
    }
}
