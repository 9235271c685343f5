using Google.Protobuf;
using Grpc.Core;
using LoupeGrpc.FunctionalTests.Adaptation;
using LoupeGrpc.FunctionalTests.Calls;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.TestSupport;
using LoupeGrpc.V1;

namespace LoupeGrpc.FunctionalTests.Stores;

/// <summary>A session that goes from server to server, against the same one on one server: each response to the last byte.</summary>
public sealed class HandOverTests(NanoEngine nano)
{
    /// <summary>Frames with controls between them: a state that is brought back, by snapshot and by step, and thresholds that stay.</summary>
    internal static readonly AnalyzeRequest[] Script =
    [
        .. Enumerable.Range(0, 4).Select(static number => AdaptingStream.Frame(number)),
        new AnalyzeRequest { Control = new Control { ControlId = 1, SnapshotAdaptation = new SnapshotAdaptation() } },
        .. Enumerable.Range(4, 3).Select(static number => AdaptingStream.Frame(number)),
        new AnalyzeRequest { Control = new Control { ControlId = 2, SetThresholds = new Thresholds { Low = 0.2f, High = 0.3f } } },
        new AnalyzeRequest { Control = new Control { ControlId = 3, SetMask = new MaskSettings { Policy = MaskPolicy.Always, Encoding = MaskEncoding.Png } } },
        new AnalyzeRequest { Control = new Control { ControlId = 4, RollbackAdaptation = new RollbackAdaptation { LastSnapshot = true } } },
        .. Enumerable.Range(7, 3).Select(static number => AdaptingStream.Frame(number)),
        new AnalyzeRequest { Control = new Control { ControlId = 5, RollbackAdaptation = new RollbackAdaptation { Step = 5 } } },
        AdaptingStream.Frame(3),
    ];

    public static OpenSession Plain => new() { Resumable = true, Mask = new MaskSettings { Policy = MaskPolicy.Always } };

    [Theory]
    // Servers that stop after so many responses were received, and so many messages sent ahead of them.
    [InlineData(true, new[] { 0 }, 1)]
    [InlineData(true, new[] { 3 }, 15)]
    [InlineData(true, new[] { 2, 6, 11, 13 }, 4)]
    [InlineData(false, new[] { 5 }, 15)]
    [InlineData(false, new[] { 1, 9 }, 3)]
    public async Task Servers_that_stop_leave_no_trace_in_what_it_answers(bool adapts, int[] stops, int ahead)
    {
        await using var redis = await RedisProcess.StartAsync();
        var open = adapts ? AdaptingStream.Open() : Plain;
        var expected = await RunAsync(null, open, [], Script.Length);
        var actual = await RunAsync(redis.Address(), open, stops, ahead);
        Assert.Equal(expected.SkipLast(1).Select(AdaptingStream.Essence), actual.SkipLast(1).Select(AdaptingStream.Essence));
        Assert.Equal(adapts, expected.Any(static response => response.Outcome?.Result.Adaptation?.Step > 3));
        Assert.Equal(adapts, expected.Where(static response => response.ControlReply is not null).All(static response => response.ControlReply.Failed is null));
        var (unbroken, handedOn) = (expected[^1].Summary, actual[^1].Summary);
        unbroken.Duration = handedOn.Duration = null;
        Assert.Equal(unbroken, handedOn);
        Assert.Equal(0, await redis.AskAsync(static async store => (int)await store.ExecuteAsync("DBSIZE")));
    }

    [Theory]
    [InlineData(new[] { 2, 7, 11, 40 }, 3)]
    [InlineData(new[] { 30 }, 64)]
    public async Task Servers_that_stop_leave_no_trace_in_its_verdicts_over_time(int[] stops, int ahead)
    {
        await using var redis = await RedisProcess.StartAsync();
        var open = new OpenSession { Resumable = true, Temporal = new TemporalSettings { Enabled = true }, Mask = new MaskSettings { Policy = MaskPolicy.Never } };
        AnalyzeRequest[] script = [.. Enumerable.Range(0, 72).Select(TemporalTests.ClipFrame)];
        TemporalTests.AssertSame(await RunAsync(null, open, [], 64, script), await RunAsync(redis.Address(), open, stops, ahead, script));
    }

    /// <summary>What it has seen of its tiles is in no record: the next server begins anew, by the settings that it was opened with, and the results say so.</summary>
    [Fact]
    public async Task Of_some_tiles_of_each_frame_the_next_server_begins_anew_and_says_so()
    {
        await using var redis = await RedisProcess.StartAsync();
        var open = new OpenSession { Resumable = true, Tiles = new TileSettings { Policy = TilePolicy.Native, TilesPerFrame = 1, WindowFrames = 3 } };
        var strip = ByteString.CopyFrom(await File.ReadAllBytesAsync(TestData.Golden("tiles", "strip-900x112.png"), TestContext.Current.CancellationToken));
        AnalyzeRequest[] script = [.. Enumerable.Range(0, 8).Select(number => new AnalyzeRequest { Frame = new Frame { FrameId = (ulong)number, Encoded = new EncodedImage { Data = strip } } })];

        var responses = await RunAsync(redis.Address(), open, [5], 1, script);

        var frames = responses.SkipLast(1).Select(static response => response.Outcome.Result.Tiles).ToList();
        Assert.Equal(frames.Select(static tiles => tiles.Window.Frames), frames.Select(static tiles => tiles.Analysed));
        // The sixth frame is on its way when the first server stops: either has it.
        Assert.Contains(string.Join(' ', frames.Select(static tiles => tiles.Window.Frames)), (string[])["1 2 3 3 3 1 2 3", "1 2 3 3 3 3 1 2"]);
    }

    [Fact]
    public async Task A_broken_one_goes_on_at_another_server_and_back_and_each_server_knows_when_it_has_lost_it()
    {
        await using var redis = await RedisProcess.StartAsync();
        await using var first = await StartAsync(redis.Address());
        await using var second = await StartAsync(redis.Address());
        var expected = await RunAsync(null, AdaptingStream.Open(), [], Script.Length);
        List<AnalyzeResponse> actual = [];
        using var connection = first.Connect();
        var session = await connection.OpenAsync(AdaptingStream.Open());
        await TakeAsync(session, actual, 4);
        await first.BreakAsync(connection);
        await StoredAsync(redis, 4);

        session = await second.ResumeAsync(session);
        await TakeAsync(session, actual, 8);
        Assert.Equal(1, second.Sessions.Count);
        session.Dispose();
        await second.UntilParkedAsync();
        await StoredAsync(redis, 8);

        // The first has a session of that name still, which is not what it was.
        Assert.Equal(1, first.Sessions.Count);
        session = await first.ResumeAsync(session);
        await TakeAsync(session, actual, Script.Length);
        await session.CompleteAsync();
        actual.AddRange(await session.RestAsync());
        Assert.Equal(expected.SkipLast(1).Select(AdaptingStream.Essence), actual.SkipLast(1).Select(AdaptingStream.Essence));
        Assert.Equal(0, first.Sessions.Count);
    }

    [Fact]
    public async Task Of_two_servers_only_the_later_claim_writes_and_the_other_ends_the_session_with_the_reason()
    {
        await using var redis = await RedisProcess.StartAsync();
        await using var first = await StartAsync(redis.Address(), every: 1);
        await using var second = await StartAsync(redis.Address(), every: 1);
        var earlier = await first.OpenAsync(Plain);
        await earlier.SendAsync(Script[0]);
        await earlier.NextOutcomeAsync();
        await StoredAsync(redis, 1);
        using var later = await second.ResumeAsync(earlier);

        await earlier.SendAsync(Script[1]);
        var (before, failure) = await earlier.FailureAsync();
        Assert.Equal((StatusCode.Aborted, "another server resumed the session"), (failure.StatusCode, failure.Status.Detail));
        Assert.Equal(SessionEventKind.Terminated, before[^1].Event.Kind);
        await later.SendAsync(Script[2]);
        Assert.Equal(1ul, (await later.NextOutcomeAsync()).Sequence);
        await later.CompleteAsync();
        Assert.Equal(2ul, (await later.RestAsync())[^1].Summary.Frames);
    }

    [Fact]
    public async Task A_token_is_of_use_to_its_owner_only_wherever_the_session_is()
    {
        await using var redis = await RedisProcess.StartAsync();
        await using var first = await StartAsync(redis.Address());
        await using var second = await StartAsync(redis.Address());
        using var session = await first.OpenAsync(Plain);
        await StoredAsync(redis, 0);
        var key = await redis.KeyAsync();
        await redis.ChangeAsync(key, static facts => facts with { Owner = "key:somebody" });
        using var stranger = second.Call();
        await RunningServer.OpenAsync(stranger, new OpenSession { ResumeToken = session.Grant.ResumeToken });
        Assert.False(stranger.Grant.Resumed);
        Assert.Contains("no session has this token", Assert.Single(stranger.Grant.Unavailable).Reason, StringComparison.Ordinal);
        Assert.Equal(1, await redis.AskAsync(async store => (int)await store.HashGetAsync(key, "fence")));
    }

    private async Task<RunningServer> StartAsync(string? store, int every = 64) => await RunningServer.StartAsync(
        nano.Analyzer, new LoupeOptions { Sessions = new() { Store = store ?? string.Empty, CheckpointInterval = every }, Shutdown = RunningServer.LongDrain });

    /// <summary>Waits until the one record has so many frames or more.</summary>
    private static Task StoredAsync(RedisProcess redis, ulong responses) => redis.UntilStoredAsync(facts => facts.Frames + facts.Commands >= responses);

    /// <summary>Sends the rest of the script up to there, each message when the one before is answered.</summary>
    private static async Task TakeAsync(RawSession session, List<AnalyzeResponse> received, int count)
    {
        while (received.Count < count)
        {
            await session.SendAsync(Script[received.Count]);
            received.Add(await session.NextAsync());
        }
    }

    /// <summary>Everything that the session's clients received, over all servers.</summary>
    private async Task<List<AnalyzeResponse>> RunAsync(string? store, OpenSession open, int[] stops, int ahead, AnalyzeRequest[]? script = null)
    {
        script ??= Script;
        List<AnalyzeResponse> received = [];
        var sent = 0;
        var server = await StartAsync(store);
        var session = await server.OpenAsync(open);
        try
        {
            foreach (var count in stops)
            {
                await ReceiveAsync(count);
                var stopping = server.Server.StopAsync();
                var (before, failure) = await session.FailureAsync();
                Assert.Equal((StatusCode.Unavailable, "the server is stopping: the session can be resumed at another one"), (failure.StatusCode, failure.Status.Detail));
                received.AddRange(before);
                await stopping;
                await server.DisposeAsync();
                server = await StartAsync(store);
                session = await server.ResumeAsync(session);
                sent = (int)(session.Grant.NextSequence + session.Grant.ControlsReceived);
            }

            await ReceiveAsync(script.Length);
            await session.CompleteAsync();
            received.AddRange(await session.RestAsync());
            return received;
        }
        finally
        {
            session.Dispose();
            await server.DisposeAsync();
        }

        async Task ReceiveAsync(int count)
        {
            while (true)
            {
                for (; sent < Math.Min(received.Count + ahead, script.Length); sent++)
                {
                    await session.SendAsync(script[sent]);
                }

                if (received.Count >= count)
                {
                    return;
                }

                received.Add(await session.NextAsync());
            }
        }
    }
}
