using System.Net;
using System.Net.Sockets;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Sessions.Memory;
using LoupeGrpc.V1;
using Microsoft.Extensions.DependencyInjection;

namespace LoupeGrpc.FunctionalTests.Security;

public sealed class QuotaTests : IDisposable
{
    private readonly TemporaryDirectory _files = new();

    private string Keys => _files["keys.json"];

    private LoupeOptions Options => new() { Security = new SecurityOptions { Keys = Keys } };

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task A_key_has_as_many_sessions_as_it_says_and_takes_none_of_another()
    {
        var two = await SecureServer.AddKeyAsync(Keys, "two", sessions: 2);
        var other = await SecureServer.AddKeyAsync(Keys, "other");
        await using var server = await SecureServer.StartAsync(Options with { Quotas = new QuotaOptions { Sessions = 1 } });
        using var first = await RunningServer.OpenAsync(SecureServer.Call(server.Calls(two)));
        using var second = await RunningServer.OpenAsync(SecureServer.Call(server.Calls(two)));

        Assert.Equal("the identity has all the sessions that it may have (2): --sessions of its key", await RefusalAsync(two));
        using var others = await RunningServer.OpenAsync(SecureServer.Call(server.Calls(other)));
        Assert.Equal("the identity has all the sessions that it may have (1): Loupe:Quotas:Sessions", await RefusalAsync(other));

        await first.CompleteAsync();
        await first.RestAsync();
        await Patience.UntilAsync(() => server.Sessions.Count == 2);
        using var third = await RunningServer.OpenAsync(SecureServer.Call(server.Calls(two)));

        async Task<string> RefusalAsync(string key)
        {
            using var call = SecureServer.Call(server.Calls(key));
            await call.SendAsync(new AnalyzeRequest { Open = new OpenSession() });
            return StatusAssert.Carries((await call.FailureAsync()).Failure, StatusCode.ResourceExhausted, FailureCode.Overloaded).Message;
        }
    }

    /// <summary>A client that crashed and comes back does not stand in its own way.</summary>
    [Fact]
    public async Task A_session_that_waits_to_be_resumed_gives_way_to_a_new_one_of_the_same_key_and_of_no_other()
    {
        var one = await SecureServer.AddKeyAsync(Keys, "one", sessions: 1);
        var other = await SecureServer.AddKeyAsync(Keys, "other");
        await using var server = await SecureServer.StartAsync(Options);
        using var others = await RunningServer.OpenAsync(SecureServer.Call(server.Calls(other)), new OpenSession { Resumable = true });
        others.Dispose();
        await Patience.UntilAsync(() => server.Sessions.List() is [{ ParkedSince: not null }]);
        using var first = await RunningServer.OpenAsync(SecureServer.Call(server.Calls(one)), new OpenSession { Resumable = true });
        first.Dispose();
        await Patience.UntilAsync(() => server.Sessions.List().All(static session => session.ParkedSince is not null));

        using var second = await RunningServer.OpenAsync(SecureServer.Call(server.Calls(one)));

        Assert.Equal(["key:one", "key:other"], server.Sessions.List().Select(static session => session.Opening.Owner).Order(StringComparer.Ordinal));
        Assert.Contains(server.Sessions.List(), session => session.Id == others.Grant.SessionId);
    }

    [Fact]
    public async Task Where_each_frame_is_answered_a_key_is_slowed_down_over_all_its_sessions()
    {
        var slow = await SecureServer.AddKeyAsync(Keys, "slow", framesPerSecond: 5);
        await using var server = await SecureServer.StartAsync(Options);
        using var first = await RunningServer.OpenAsync(SecureServer.Call(server.Calls(slow)));
        using var second = await RunningServer.OpenAsync(SecureServer.Call(server.Calls(slow)));
        var started = TimeProvider.System.GetTimestamp();

        // Five are saved up, and ten more take two seconds.
        await Task.WhenAll(SendAsync(first), SendAsync(second));

        Assert.InRange(TimeProvider.System.GetElapsedTime(started).TotalSeconds, 1.5, 30);

        static async Task SendAsync(RawSession session)
        {
            var sending = Task.Run(async () =>
            {
                for (var id = 0UL; id < 8; id++)
                {
                    await session.SendFrameAsync(id);
                }

                await session.CompleteAsync();
            });
            var rest = await session.RestAsync();
            await sending;
            Assert.Equal(8, rest.Count(static response => response.Outcome?.Result is not null));
            Assert.Equal(0ul, rest[^1].Summary.Dropped);
        }
    }

    /// <summary>What waits for its owner's pace is not received yet, so it takes no room in which messages of others are received.</summary>
    [Fact]
    public async Task Whoever_is_slowed_down_holds_nothing_that_others_wait_for()
    {
        var large = ByteString.CopyFrom(new byte[300_000]);
        var slow = await SecureServer.AddKeyAsync(Keys, "slow", framesPerSecond: 0.001);
        var other = await SecureServer.AddKeyAsync(Keys, "other");
        await using var server = await SecureServer.StartAsync(Options with { Limits = new LimitOptions { MaxFrameBytes = 300_000, MaxReceivingBytes = 1 << 20 } });
        List<RawSession> slowed = [];
        for (var number = 0; number < 4; number++)
        {
            slowed.Add(await RunningServer.OpenAsync(SecureServer.Call(server.Calls(slow))));
            await slowed[number].SendFrameAsync(1, frame => frame.Encoded.Data = large);
        }

        // The one frame that was saved up.
        await Task.WhenAny(slowed.Select(static session => session.NextOutcomeAsync()));

        foreach (var mode in new[] { DeliveryMode.EveryFrame, DeliveryMode.Freshest })
        {
            using var session = await RunningServer.OpenAsync(SecureServer.Call(server.Calls(other)), new OpenSession { Delivery = new DeliveryPolicy { Mode = mode } });
            for (var id = 0UL; id < 8; id++)
            {
                await session.SendFrameAsync(id, frame => frame.Encoded.Data = large);
                Assert.NotNull((await session.NextOutcomeAsync()).Result);
            }
        }

        await Patience.UntilAsync(() => server.Server.Services.GetRequiredService<MemoryLedger>().Receiving.Held.Bytes == 0);
        slowed.ForEach(static session => session.Dispose());
    }

    /// <summary>However it was written into the file of keys: the first frame passes, and where there is a next one in this life it does too.</summary>
    [Theory]
    [InlineData(double.Epsilon, false)]
    [InlineData(1e-20, false)]
    [InlineData(1e17, true)]
    [InlineData(double.MaxValue, true)]
    public async Task Every_rate_above_zero_is_one(double rate, bool passes)
    {
        var key = await SecureServer.AddKeyAsync(Keys, "odd", framesPerSecond: rate);
        await using var server = await SecureServer.StartAsync(Options);
        using var every = await RunningServer.OpenAsync(SecureServer.Call(server.Calls(key)));
        await every.SendFrameAsync(1);
        Assert.NotNull((await every.NextOutcomeAsync()).Result);

        using var freshest = await RunningServer.OpenAsync(
            SecureServer.Call(server.Calls(key)), new OpenSession { Delivery = new DeliveryPolicy { Mode = DeliveryMode.Freshest } });
        await freshest.SendFrameAsync(2);
        var next = await freshest.NextOutcomeAsync();
        Assert.Equal(passes, next.Result is not null);
        Assert.Equal(passes, next.Dropped?.Reason != DropReason.OverQuota);
    }

    [Fact]
    public async Task In_other_modes_frames_over_the_quota_are_dropped_with_the_reason()
    {
        var slow = await SecureServer.AddKeyAsync(Keys, "slow", framesPerSecond: 0.001);
        await using var server = await SecureServer.StartAsync(Options);
        using var session = await RunningServer.OpenAsync(
            SecureServer.Call(server.Calls(slow)), new OpenSession { Delivery = new DeliveryPolicy { Mode = DeliveryMode.Freshest } });
        await session.SendFrameAsync(1);
        Assert.NotNull((await session.NextOutcomeAsync()).Result);
        await session.SendFrameAsync(2);
        Assert.Equal(DropReason.OverQuota, (await session.NextOutcomeAsync()).Dropped.Reason);

        // Pictures without a session count as well.
        var picture = await Assert.ThrowsAsync<RpcException>(async () => await new ForgeryAnalysisService.ForgeryAnalysisServiceClient(server.Calls(slow)).AnalyzeImageAsync(
            new AnalyzeImageRequest { Encoded = new EncodedImage { Data = ByteString.CopyFrom(1) } }, cancellationToken: Patience.Token()));
        Assert.Contains("Loupe:Quotas:FramesPerSecond", StatusAssert.Carries(picture, StatusCode.ResourceExhausted, FailureCode.Overloaded).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bytes_a_second_are_counted_by_size_and_the_largest_frame_passes_when_nothing_came_before()
    {
        var key = await SecureServer.AddKeyAsync(Keys, "gate-3");
        await using var server = await SecureServer.StartAsync(
            Options with { Limits = new LimitOptions { MaxFrameBytes = 1 << 20 }, Quotas = new QuotaOptions { BytesPerSecond = 100_000, StrangerBytesPerSecond = 1 } });
        using var session = await RunningServer.OpenAsync(
            SecureServer.Call(server.Calls(key)), new OpenSession { Delivery = new DeliveryPolicy { Mode = DeliveryMode.Freshest } });
        await session.SendFrameAsync(1, static frame => frame.Encoded.Data = ByteString.CopyFrom(new byte[1_000_000]));
        Assert.NotNull((await session.NextOutcomeAsync()).Result);
        await session.SendFrameAsync(2, static frame => frame.Encoded.Data = ByteString.CopyFrom(new byte[900_000]));
        Assert.Equal(DropReason.OverQuota, (await session.NextOutcomeAsync()).Dropped.Reason);

        // Ten seconds later half of it would pass again; a small one does at once.
        await session.SendFrameAsync(3, static frame => frame.Encoded.Data = ByteString.CopyFrom(new byte[1000]));
        Assert.NotNull((await session.NextOutcomeAsync()).Result);
    }

    [Fact]
    public async Task Frames_of_an_identity_hold_no_more_memory_than_it_may_have_and_nobody_else_waits()
    {
        const int Bytes = 100_000;
        var greedy = await SecureServer.AddKeyAsync(Keys, "greedy");
        var other = await SecureServer.AddKeyAsync(Keys, "other");
        var analyzer = new ScriptedAnalyzer();
        await using var server = await SecureServer.StartAsync(Options with { Quotas = new QuotaOptions { BufferedBytes = (2 * Bytes) + 100 } }, analyzer: analyzer);
        using var first = await RunningServer.OpenAsync(SecureServer.Call(server.Calls(greedy)));
        using var second = await RunningServer.OpenAsync(SecureServer.Call(server.Calls(greedy)));
        for (var id = 0UL; id < 4; id++)
        {
            await first.SendFrameAsync(id, Fill);
            await second.SendFrameAsync(id, Fill);
        }

        var held = server.Server.Services.GetRequiredService<MemoryLedger>().Frames;
        await Patience.UntilAsync(() => held.Held.Bytes == 2 * Bytes);
        foreach (var delivery in new[]
        {
            new DeliveryPolicy { Mode = DeliveryMode.Freshest },
            new DeliveryPolicy { Mode = DeliveryMode.StalenessBudget, StalenessBudget = Duration.FromTimeSpan(TimeSpan.FromMinutes(1)) },
        })
        {
            using var fresh = await RunningServer.OpenAsync(SecureServer.Call(server.Calls(greedy)), new OpenSession { Delivery = delivery });
            await fresh.SendFrameAsync(1, Fill);
            Assert.Equal(DropReason.OverQuota, (await fresh.NextOutcomeAsync()).Dropped.Reason);
        }

        using var neighbour = await RunningServer.OpenAsync(SecureServer.Call(server.Calls(other)));
        await neighbour.SendFrameAsync(1, Fill);
        await Patience.UntilAsync(() => held.Held.Bytes == 3 * Bytes);

        for (var i = 0; i < 9; i++)
        {
            (await analyzer.NextAsync()).Succeed();
        }

        Assert.NotNull((await neighbour.NextOutcomeAsync()).Result);
        foreach (var session in (RawSession[])[first, second])
        {
            await session.CompleteAsync();
            Assert.Equal(4, (await session.RestAsync()).Count(static response => response.Outcome?.Result is not null));
        }

        static void Fill(Frame frame) => frame.Encoded.Data = ByteString.CopyFrom(new byte[Bytes]);
    }

    /// <summary>Whoever waits for the bytes of its identity has one message at a time that is received, however many sessions it has.</summary>
    [Fact]
    public async Task Frames_that_wait_for_the_memory_of_their_identity_take_none_of_what_others_are_received_in()
    {
        const int Bytes = 300_000;
        var greedy = await SecureServer.AddKeyAsync(Keys, "greedy");
        var other = await SecureServer.AddKeyAsync(Keys, "other");
        var analyzer = new ScriptedAnalyzer();
        await using var server = await SecureServer.StartAsync(
            Options with { Limits = new LimitOptions { MaxFrameBytes = Bytes, MaxReceivingBytes = 4 << 20 }, Quotas = new QuotaOptions { BufferedBytes = Bytes + 100 } }, analyzer: analyzer);
        var ledger = server.Server.Services.GetRequiredService<MemoryLedger>();
        List<RawSession> waiting = [];
        for (var number = 0; number < 12; number++)
        {
            waiting.Add(await RunningServer.OpenAsync(SecureServer.Call(server.Calls(greedy))));
            await waiting[number].SendFrameAsync(1, Fill);
        }

        await Patience.UntilAsync(() => ledger.Frames.Held.Bytes == Bytes);
        using var neighbour = await RunningServer.OpenAsync(SecureServer.Call(server.Calls(other)));
        await neighbour.SendFrameAsync(1, Fill);
        await Patience.UntilAsync(() => ledger.Frames.Held.Bytes == 2 * Bytes);

        for (var i = 0; i < 13; i++)
        {
            (await analyzer.NextAsync()).Succeed();
        }

        Assert.NotNull((await neighbour.NextOutcomeAsync()).Result);
        foreach (var session in waiting)
        {
            Assert.NotNull((await session.NextOutcomeAsync()).Result);
            session.Dispose();
        }

        await Patience.UntilAsync(() => ledger.Receiving.Held.Bytes == 0);

        static void Fill(Frame frame) => frame.Encoded.Data = ByteString.CopyFrom(new byte[Bytes]);
    }

    [Fact]
    public async Task Strangers_have_a_quota_together_and_keys_their_own()
    {
        var key = await SecureServer.AddKeyAsync(Keys, "gate-3");
        await using var server = await SecureServer.StartAsync(
            Options with { Security = new SecurityOptions { Keys = Keys, Open = true }, Quotas = new QuotaOptions { StrangerSessions = 1 } });
        using var first = await RunningServer.OpenAsync(SecureServer.Call(server.Calls()));
        using var second = SecureServer.Call(server.Calls());
        await second.SendAsync(new AnalyzeRequest { Open = new OpenSession() });

        var (_, failure) = await second.FailureAsync();

        Assert.Equal(
            "the identity has all the sessions that it may have (1): Loupe:Quotas:StrangerSessions",
            StatusAssert.Carries(failure, StatusCode.ResourceExhausted, FailureCode.Overloaded).Message);
        using var known = await RunningServer.OpenAsync(SecureServer.Call(server.Calls(key)));
    }

    /// <summary>One machine cannot take all places, whatever it calls itself; what it left waiting gives way to it, and another's does not.</summary>
    [Fact]
    public async Task An_address_has_a_quota_whoever_calls_from_it()
    {
        var one = await SecureServer.AddKeyAsync(Keys, "one");
        var two = await SecureServer.AddKeyAsync(Keys, "two");
        await using var server = await SecureServer.StartAsync(Options with { Quotas = new QuotaOptions { AddressSessions = 2 } });
        using var elsewhere = await RunningServer.OpenAsync(SecureServer.Call(server.Calls(one, From("127.0.0.2"))), new OpenSession { Resumable = true });
        elsewhere.Dispose();
        await Patience.UntilAsync(() => server.Sessions.List() is [{ ParkedSince: not null }]);
        using var first = await RunningServer.OpenAsync(SecureServer.Call(server.Calls(one)), new OpenSession { Resumable = true });
        using var second = await RunningServer.OpenAsync(SecureServer.Call(server.Calls(two)));

        using var refused = SecureServer.Call(server.Calls(two));
        await refused.SendAsync(new AnalyzeRequest { Open = new OpenSession() });
        Assert.Equal(
            "its address has all the sessions that one may have (2): Loupe:Quotas:AddressSessions",
            StatusAssert.Carries((await refused.FailureAsync()).Failure, StatusCode.ResourceExhausted, FailureCode.Overloaded).Message);

        first.Dispose();
        await Patience.UntilAsync(() => server.Sessions.List().Count(static session => session.ParkedSince is not null) == 2);
        using var third = await RunningServer.OpenAsync(SecureServer.Call(server.Calls(two)));
        Assert.Equal(["127.0.0.2", "127.0.0.1", "127.0.0.1"], server.Sessions.List().Select(static session => session.Opening.Address));

        static Action<SocketsHttpHandler> From(string address) => handler => handler.ConnectCallback = async (context, cancellationToken) =>
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(IPAddress.Parse(address), 0));
            await socket.ConnectAsync(IPAddress.Loopback, context.DnsEndPoint.Port, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        };
    }
}
