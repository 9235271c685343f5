using Grpc.Net.Client;
using LoupeGrpc.Client;
using LoupeGrpc.FunctionalTests.Adaptation;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.TestSupport;
using LoupeGrpc.V1;

namespace LoupeGrpc.FunctionalTests.Stores;

/// <summary>Servers as processes, killed with SIGKILL: their sessions go on at another one from the last checkpoint.</summary>
public sealed class KilledServerTests(NanoEngine nano)
{
    private const int Frames = 24;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Every_frame_has_one_outcome_and_what_is_lost_is_said(bool adapts)
    {
        await using var redis = await RedisProcess.StartAsync();
        await using var first = Start(redis, every: 9);
        await using var second = Start(redis, every: 9);
        await using var proxy = new CuttingProxy(await first.ReadyAsync());
        var other = await second.ReadyAsync();
        using var client = new LoupeClient(new LoupeClientOptions { Address = proxy.Address });
        await using var session = await client.OpenSessionAsync(
            new LoupeSessionOptions { Adaptation = adapts ? AdaptingStream.Unguarded() : null, MaxFramesInFlight = 3 }, Patience.Token());
        var outcomes = await StreamAsync(session, async () =>
        {
            proxy.Server = other;
            // Written beside the answers, not before them.
            await redis.UntilStoredAsync(static facts => facts.Frames == 9);
            await first.SignalAsync("KILL");
        });
        var summary = await session.CompleteAsync(Patience.Token());
        Assert.All(outcomes, static outcome => Assert.IsType<LoupeResult>(outcome));
        Assert.Equal(Enumerable.Range(0, Frames).Select(static number => (ulong)number), outcomes.Select(static outcome => outcome.FrameId));

        // The last checkpoint is that after nine frames; of those in flight some may have been answered too.
        var lost = Frames - (int)summary.Frames;
        SessionEvent? said = null;
        await foreach (var one in session.Events(Patience.Token()))
        {
            said = one is LoupeServerEvent { Event: { Kind: SessionEventKind.StateLost } state } ? state : said;
        }

        Assert.InRange(lost, 2, 5);
        Assert.NotNull(said);
        Assert.Contains($"{lost} outcomes", said.Message, StringComparison.Ordinal);
        if (adapts)
        {
            Assert.Contains($"adaptation goes on at step {said.Adaptation.Step}, at most {lost} steps are lost", said.Message, StringComparison.Ordinal);
            // Each frame taught it something, of which the lost ones' is gone.
            Assert.Equal(said.Adaptation.Step, said.Sequence - (ulong)lost);
            Assert.Equal(summary.Frames, summary.Adaptation.Step);
        }
    }

    [Fact]
    public async Task A_client_that_does_not_say_how_far_it_is_hears_why_its_session_is_gone()
    {
        await using var redis = await RedisProcess.StartAsync();
        await using var first = Start(redis, every: 1000);
        await using var second = Start(redis, every: 1000);
        using var there = GrpcChannel.ForAddress(await first.ReadyAsync());
        using var here = GrpcChannel.ForAddress(await second.ReadyAsync());
        var earlier = await OpenAsync(there, HandOverTests.Plain);
        await AdaptingStream.SendFrameAsync(earlier, 0);
        await earlier.NextOutcomeAsync();
        await redis.UntilStoredAsync(static _ => true);
        await first.SignalAsync("KILL");
        await first.ExitAsync();

        using (var silent = await OpenAsync(here, new OpenSession { ResumeToken = earlier.Grant.ResumeToken, ResponsesReceived = 1 }))
        {
            Assert.False(silent.Grant.Resumed);
            Assert.Contains("after 0 frames, is older than what its client has received", Assert.Single(silent.Grant.Unavailable).Reason, StringComparison.Ordinal);
        }

        // It was not taken from whoever can go on with it.
        using var speaking = await OpenAsync(
            here, new OpenSession { ResumeToken = earlier.Grant.ResumeToken, ResponsesReceived = 1, FramesAnswered = 1 });
        Assert.Equal((true, 1ul), (speaking.Grant.Resumed, speaking.Grant.NextSequence));
        Assert.Equal((SessionEventKind.StateLost, 1ul), (await speaking.NextAsync()).Event is var said ? (said.Kind, said.Sequence) : default);
        await AdaptingStream.SendFrameAsync(speaking, 1);
        Assert.Equal(1ul, (await speaking.NextOutcomeAsync()).Sequence);
        earlier.Dispose();
    }

    [Fact]
    public async Task Frames_without_an_order_have_one_outcome_each_where_a_server_is_told_to_stop()
    {
        await using var redis = await RedisProcess.StartAsync();
        await using var first = Start(redis, every: 9);
        await using var second = Start(redis, every: 9);
        await using var proxy = new CuttingProxy(await first.ReadyAsync());
        var other = await second.ReadyAsync();
        using var client = new LoupeClient(new LoupeClientOptions { Address = proxy.Address });
        await using var session = await client.OpenSessionAsync(new LoupeSessionOptions { Unordered = true, MaxFramesInFlight = 3 }, Patience.Token());
        var outcomes = await StreamAsync(session, async () =>
        {
            proxy.Server = other;
            await first.SignalAsync("TERM");
        });
        Assert.Equal((ulong)Frames, (await session.CompleteAsync(Patience.Token())).Frames);
        Assert.All(outcomes, static outcome => Assert.IsType<LoupeResult>(outcome));
        Assert.Equal(Enumerable.Range(0, Frames).Select(static number => (ulong)number), outcomes.Select(static outcome => outcome.FrameId).Order());
    }

    [Fact]
    public async Task Frames_without_an_order_do_not_go_on_where_outcomes_are_lost()
    {
        await using var redis = await RedisProcess.StartAsync();
        await using var first = Start(redis, every: 1000);
        await using var second = Start(redis, every: 1000);
        using var there = GrpcChannel.ForAddress(await first.ReadyAsync());
        using var here = GrpcChannel.ForAddress(await second.ReadyAsync());
        using var earlier = await OpenAsync(there, new OpenSession { Unordered = true, Resumable = true });
        await AdaptingStream.SendFrameAsync(earlier, 0);
        await earlier.NextOutcomeAsync();
        await redis.UntilStoredAsync(static _ => true);
        await first.SignalAsync("KILL");
        await first.ExitAsync();

        using var later = await OpenAsync(here, new OpenSession { ResumeToken = earlier.Grant.ResumeToken, ResponsesReceived = 1, FramesAnswered = 1 });

        Assert.False(later.Grant.Resumed);
        Assert.Contains("outcomes without an order leave gaps", Assert.Single(later.Grant.Unavailable).Reason, StringComparison.Ordinal);
    }

    /// <summary>All frames and their outcomes; behind the eleventh something happens.</summary>
    private static async Task<List<LoupeOutcome>> StreamAsync(LoupeSession session, Func<Task> happen)
    {
        var sending = SendAllAsync(session);
        List<LoupeOutcome> outcomes = [];
        await foreach (var outcome in session.Results(Patience.Token()))
        {
            outcomes.Add(outcome);
            if (outcomes.Count == 11)
            {
                await happen();
            }

            if (outcomes.Count == Frames)
            {
                break;
            }
        }

        await sending;
        return outcomes;
    }

    private static async Task SendAllAsync(LoupeSession session)
    {
        for (var number = 0; number < Frames; number++)
        {
            await session.SendAsync(new EncodedFrame(Picture(number)) { FrameId = (ulong)number }, Patience.Token());
        }
    }

    private static async Task<RawSession> OpenAsync(GrpcChannel channel, OpenSession open) =>
        await RunningServer.OpenAsync(new RawSession(new ForgeryAnalysisService.ForgeryAnalysisServiceClient(channel).Analyze(cancellationToken: Patience.Token())), open);

    private static byte[] Picture(int number) => File.ReadAllBytes(TestData.Golden("nano-tta", "scale", $"frame-{number % 10:000}.png"));

    private ServerProcess Start(RedisProcess redis, int every) => ServerProcess.Start(
        [
            "serve", "--listen", "http://127.0.0.1:0", "--operations", "http://127.0.0.1:0", $"--Loupe:Sessions:CheckpointInterval={every}",
            "--Loupe:Shutdown:DrainTimeout=10m",
        ],
        ("Loupe__Sessions__Store", redis.Address()), ("Loupe__Model__CacheDirectory", nano.CacheDirectory));
}
