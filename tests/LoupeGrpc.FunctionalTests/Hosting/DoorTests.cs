using System.Net;
using System.Net.Sockets;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Sessions.Memory;
using LoupeGrpc.V1;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace LoupeGrpc.FunctionalTests.Hosting;

/// <summary>What may be asked of the server by those who have opened no session.</summary>
public class DoorTests
{
    [Fact]
    public async Task A_call_that_opens_nothing_is_ended()
    {
        await using var server = await StartAsync(new ConnectionOptions { OpenTimeout = TimeSpan.FromSeconds(1) });
        using var idle = server.Call();

        var (_, failure) = await idle.FailureAsync();

        var failed = StatusAssert.Carries(failure, StatusCode.DeadlineExceeded, FailureCode.Expired);
        Assert.Equal("the call opened no session within 1 s: Loupe:Connections:OpenTimeout", failed.Message);
    }

    [Fact]
    public async Task One_connection_has_half_of_the_unopened_calls_and_the_others_still_come_in()
    {
        await using var server = await StartAsync(new ConnectionOptions { MaxUnopenedCalls = 6 });
        var idle = new List<RawSession>();
        for (var i = 0; i < 3; i++)
        {
            idle.Add(await EarlyAsync(server.Call()));
        }

        using var late = server.Call();
        var (_, failure) = await late.FailureAsync();
        Assert.Contains("Loupe:Connections:MaxUnopenedCalls", StatusAssert.Carries(failure, StatusCode.ResourceExhausted, FailureCode.Overloaded).Message, StringComparison.Ordinal);

        using var other = GrpcChannel.ForAddress(server.Server.Grpc);
        using var elsewhere = new RawSession(new ForgeryAnalysisService.ForgeryAnalysisServiceClient(other).Analyze(cancellationToken: TestContext.Current.CancellationToken));
        await RunningServer.OpenAsync(elsewhere);

        // One that opens makes room, as one that ends does.
        await RunningServer.OpenAsync(idle[0]);
        using var next = await server.OpenAsync();
        idle[1].Dispose();
        await Patience.UntilAsync(() => server.Sessions.Count == 3);
        using var last = await EarlyAsync(server.Call());
        idle.ForEach(static session => session.Dispose());
    }

    [Fact]
    public async Task Controls_without_a_session_are_not_answered_for_ever()
    {
        await using var server = await StartAsync(new ConnectionOptions());
        using var session = server.Call();
        for (var i = 0; i < 17; i++)
        {
            await session.SendAsync(new Control { ControlId = (ulong)i + 1, ResetAdaptation = new ResetAdaptation() });
        }

        var (before, failure) = await session.FailureAsync();

        Assert.Equal(16, before.Count);
        StatusAssert.Carries(failure, StatusCode.InvalidArgument, FailureCode.Invalid);
    }

    [Fact]
    public async Task Connections_over_the_limit_are_closed_and_those_inside_go_on()
    {
        await using var server = await StartAsync(new ConnectionOptions { MaxConnections = 2 });
        using var session = await server.OpenAsync();
        using var second = await ConnectAsync(server.Server.Grpc);
        await SpeakAsync(second);

        using var third = await ConnectAsync(server.Server.Grpc);
        await EndsAsync(third);

        Assert.Contains(server.Log.Lines, static line => line.Contains("2 connections are open already", StringComparison.Ordinal));
        using var probe = new HttpClient();
        Assert.Equal(HttpStatusCode.OK, (await probe.GetAsync(new Uri(server.Server.Operations, "/healthz/live"), Patience.Token())).StatusCode);
        second.Dispose();
        await Patience.UntilAsync(() =>
        {
            using var next = new Socket(SocketType.Stream, ProtocolType.Tcp);
            next.Connect(server.Server.Grpc.Host, server.Server.Grpc.Port);
            next.ReceiveTimeout = 2000;
            // Its settings; nothing where it was closed, before the first word or after it.
            return Answer(next, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8) > 0;
        });
        await session.CompleteAsync();
        Assert.NotNull(Assert.Single(await session.RestAsync()).Summary);
    }

    [Fact]
    public async Task A_connection_that_says_nothing_is_closed()
    {
        await using var server = await StartAsync(new ConnectionOptions { SilenceTimeout = TimeSpan.FromSeconds(1) });
        foreach (var address in (Uri[])[server.Server.Grpc, server.Server.Operations])
        {
            using var silent = await ConnectAsync(address);
            await EndsAsync(silent);
        }
    }

    [Theory]
    [InlineData(null)]
    // A thousandth of it on the way, and as much memory as without.
    [InlineData("gzip")]
    public async Task A_message_that_does_not_come_gives_its_memory_to_those_that_wait(string? compression)
    {
        var time = new FakeTimeProvider();
        var options = new LoupeOptions { Limits = new LimitOptions { MaxReceivingBytes = 8L << 20, MaxFrameBytes = 16L << 20 } };
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer { Answer = static _ => ScriptedAnalyzer.Result(0.1f) }, options, time);
        var messages = server.Server.Services.GetRequiredService<MessageRoom>();
        using var slow = new StoppedCall(server.Server.Grpc, announced: 4 << 20, sent: 3 << 20);
        await Patience.UntilAsync(() => messages.Held == 8 << 20);

        Metadata headers = compression is null ? [] : [new Metadata.Entry("grpc-internal-encoding-request", compression)];
        using var session = await RunningServer.OpenAsync(new RawSession(server.Client.Analyze(headers, cancellationToken: Patience.Token())));
        var sending = session.SendFrameAsync(1, static frame => frame.Encoded.Data = ByteString.CopyFrom(new byte[1 << 20]));
        var outcome = session.NextOutcomeAsync();
        await Task.Delay(300, Patience.Token());
        Assert.False(outcome.IsCompleted);
        Assert.Equal(8 << 20, messages.Held);

        // Four megabytes have 14 seconds.
        time.Advance(MessageRoom.Patience);
        await Task.Delay(300, Patience.Token());
        Assert.Equal(8 << 20, messages.Held);
        Assert.False(outcome.IsCompleted);

        // However late the other one began to wait.
        var ending = slow.StatusAsync();
        await Patience.UntilAsync(() =>
        {
            time.Advance(MessageRoom.Patience);
            return ending.IsCompleted;
        });
        var (status, message) = await ending;

        Assert.Equal(StatusCode.ResourceExhausted, status);
        Assert.Contains("Loupe:Limits:MaxReceivingBytes", message, StringComparison.Ordinal);
        await sending;
        Assert.NotNull((await outcome).Result);
        await Patience.UntilAsync(() => messages.Held == 0);
    }

    [Fact]
    public async Task Large_messages_that_do_not_come_do_not_hold_up_small_ones()
    {
        var time = new FakeTimeProvider();
        var options = new LoupeOptions { Limits = new LimitOptions { MaxReceivingBytes = 64L << 20, MaxFrameBytes = 16L << 20 } };
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer { Answer = static _ => ScriptedAnalyzer.Result(0.1f) }, options, time);
        var messages = server.Server.Services.GetRequiredService<MessageRoom>();
        using var first = new StoppedCall(server.Server.Grpc, announced: 12 << 20, sent: 8 << 20);
        using var second = new StoppedCall(server.Server.Grpc, announced: 12 << 20, sent: 8 << 20);
        await Patience.UntilAsync(() => messages.Held == 48 << 20);

        // Large ones have what they may. A small one passes at once.
        using var small = await server.OpenAsync();
        await small.SendFrameAsync(1, static frame => frame.Encoded.Data = ByteString.CopyFrom(new byte[512 << 10]));
        Assert.NotNull((await small.NextOutcomeAsync()).Result);
    }

    [Fact]
    public async Task Messages_on_their_way_hold_what_is_set_and_not_more()
    {
        var options = new LoupeOptions { Limits = new LimitOptions { MaxReceivingBytes = 8L << 20, MaxFrameBytes = 16L << 20 } };
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer { Answer = static _ => ScriptedAnalyzer.Result(0.1f) }, options);
        var messages = server.Server.Services.GetRequiredService<MessageRoom>();
        var most = 0L;
        using var watching = new Timer(_ => most = Math.Max(most, messages.Held), null, 0, 1);

        await Task.WhenAll(Enumerable.Range(0, 12).Select(async _ =>
        {
            using var session = await server.OpenAsync();
            for (var id = 1UL; id <= 4; id++)
            {
                await session.SendFrameAsync(id, static frame => frame.Encoded.Data = ByteString.CopyFrom(new byte[1 << 20]));
                Assert.NotNull((await session.NextOutcomeAsync()).Result);
            }

            await session.CompleteAsync();
            await session.RestAsync();
        }));

        Assert.InRange(most, 1, 8 << 20);
        Assert.Equal(0, messages.Held);
    }

    private static Task<RunningServer> StartAsync(ConnectionOptions connections) =>
        RunningServer.StartAsync(new ScriptedAnalyzer(), new LoupeOptions { Connections = connections });

    /// <summary>A call that is certainly there, and has no session.</summary>
    private static async Task<RawSession> EarlyAsync(RawSession session)
    {
        await session.SendAsync(new Control { ControlId = 1, ResetAdaptation = new ResetAdaptation() });
        await session.NextReplyAsync();
        return session;
    }

    private static async Task<Socket> ConnectAsync(Uri address)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(address.Host, address.Port, Patience.Token());
        return socket;
    }

    /// <summary>HTTP/2's first words, and the server's.</summary>
    private static async Task SpeakAsync(Socket socket)
    {
        await socket.SendAsync((byte[])[.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, 0, 0, 0, 4, 0, 0, 0, 0, 0], Patience.Token());
        Assert.True(await socket.ReceiveAsync(new byte[64], Patience.Token()) > 0);
    }

    private static async Task EndsAsync(Socket socket)
    {
        try
        {
            while (await socket.ReceiveAsync(new byte[64], Patience.Token()) > 0)
            {
            }
        }
        catch (SocketException)
        {
            // Reset: ended too.
        }
    }

    private static int Answer(Socket socket, ReadOnlySpan<byte> words)
    {
        try
        {
            socket.Send(words);
            return socket.Receive(new byte[64]);
        }
        catch (SocketException)
        {
            return 0;
        }
    }
}
