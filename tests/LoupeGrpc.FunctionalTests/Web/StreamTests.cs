using System.Net;
using System.Net.WebSockets;
using Google.Protobuf;
using Grpc.Core;
using LoupeGrpc.FunctionalTests.Adaptation;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.FunctionalTests.Security;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Security;
using LoupeGrpc.V1;

namespace LoupeGrpc.FunctionalTests.Web;

/// <summary>Sessions over WebSockets.</summary>
public sealed class StreamTests(NanoEngine nano) : IDisposable
{
    private readonly TemporaryDirectory _files = new();

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData("scale")]
    [InlineData("dark")]
    public async Task An_adapting_session_has_the_same_bytes_as_over_grpc(string stream)
    {
        const int Frames = 8;
        await using var server = await RunningServer.StartAsync(nano.Analyzer);
        using var grpc = await server.OpenAsync(AdaptingStream.Open());
        var expected = await AdaptingStream.RunAsync(grpc, Frames, stream);
        using var socket = await SocketCall.ConnectAsync(server.Server.Web!);
        using var session = await RunningServer.OpenAsync(socket.Session(), AdaptingStream.Open());
        var answers = await AdaptingStream.RunAsync(session, Frames, stream);

        Assert.Contains(answers, static response => response.Outcome?.Result.Adaptation.Step > 2);
        Assert.Equal(expected.Select(AdaptingStream.Essence), answers.Select(AdaptingStream.Essence));
        Assert.Equal(WebSocketCloseStatus.NormalClosure, socket.Socket.CloseStatus);
        await Patience.UntilAsync(() => server.Sessions.Connected == 0);
    }

    /// <summary>Sizes around those at which memory for a message grows, and the largest that fits.</summary>
    [Fact]
    public async Task Messages_of_every_size_arrive_whole_and_leave_no_memory_charged()
    {
        var options = new LoupeOptions { Limits = new LimitOptions { MaxFrameBytes = 5 << 20 } };
        await using var server = await RunningServer.StartAsync(Lengths(out var seen), options);
        using var socket = await SocketCall.ConnectAsync(server.Server.Web!);
        using var session = await RunningServer.OpenAsync(socket.Session());
        int[] sizes = [1, 65_000, 65_536, 65_600, 262_144, 262_200, 1 << 20, 5 << 20];
        for (var number = 0; number < sizes.Length; number++)
        {
            await session.SendFrameAsync((ulong)number, frame => frame.Encoded.Data = ByteString.CopyFrom(new byte[sizes[number]]));
            await session.NextOutcomeAsync();
        }

        Assert.Equal(sizes, seen);
        await session.CompleteAsync();
        await session.RestAsync();
        await Patience.UntilAsync(() => server.Ledger.Receiving.Held.Bytes == 0 && server.FrameBytes == 0);
    }

    [Theory]
    [InlineData(WebSocketMessageType.Text, 5, StatusCode.InvalidArgument, "INVALID", "a message is text")]
    [InlineData(WebSocketMessageType.Binary, 5, StatusCode.InvalidArgument, "INVALID", "not of this contract")]
    [InlineData(WebSocketMessageType.Binary, (3 << 20) + 1, StatusCode.ResourceExhausted, "TOO_LARGE", "Loupe:Limits:MaxFrameBytes")]
    public async Task What_is_no_message_ends_the_session_with_the_reason(WebSocketMessageType type, int length, StatusCode status, string code, string words)
    {
        await using var server = await RunningServer.StartAsync(Lengths(out _), new LoupeOptions { Limits = new LimitOptions { MaxFrameBytes = 2 << 20 } });
        using var socket = await SocketCall.ConnectAsync(server.Server.Web!);
        using var session = await RunningServer.OpenAsync(socket.Session());
        await session.SendFrameAsync(1);
        await session.NextOutcomeAsync();
        await socket.SendAsync([.. Enumerable.Repeat((byte)'x', length)], type);

        var (_, failure) = await session.FailureAsync();
        Assert.Equal(status, failure.StatusCode);
        Assert.Equal((code, (int)status), ((string?)socket.Reason!["code"], (int)socket.Reason["status"]!));
        Assert.Contains(words, (string?)socket.Reason["detail"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_first_message_must_open_and_an_early_close_is_no_fault()
    {
        await using var server = await RunningServer.StartAsync(Lengths(out _));
        using var socket = await SocketCall.ConnectAsync(server.Server.Web!);
        using var session = socket.Session();
        await session.SendFrameAsync(1);
        var (_, failure) = await session.FailureAsync();
        Assert.Equal((StatusCode.InvalidArgument, "the first message of a session must be open"), (failure.StatusCode, failure.Status.Detail));

        using var silent = await SocketCall.ConnectAsync(server.Server.Web!);
        await silent.Socket.CloseAsync(WebSocketCloseStatus.EndpointUnavailable, null, Patience.Token());
    }

    [Fact]
    public async Task A_session_whose_socket_breaks_goes_on_over_another_and_over_grpc()
    {
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(analyzer);
        var socket = await SocketCall.ConnectAsync(server.Server.Web!);
        var session = await RunningServer.OpenAsync(socket.Session(), new OpenSession { Resumable = true });
        await session.SendFrameAsync(1);
        (await analyzer.NextAsync()).Succeed(0.1f);
        Assert.Equal(1u, (await session.NextOutcomeAsync()).FrameId);
        await session.SendFrameAsync(2);
        var second = await analyzer.NextAsync();
        session.Dispose();
        await server.UntilParkedAsync();
        second.Succeed(0.2f);

        using var again = await SocketCall.ConnectAsync(server.Server.Web!);
        var resumed = await RunningServer.OpenAsync(again.Session(), new OpenSession { ResumeToken = session.Grant.ResumeToken, ResponsesReceived = session.Received });
        Assert.True(resumed.Grant.Resumed);
        Assert.Equal(2u, (await resumed.NextOutcomeAsync()).FrameId);
        resumed.Received = session.Received + 1;
        resumed.Grant.ResumeToken = session.Grant.ResumeToken;

        using var grpc = await server.ResumeAsync(resumed);
        Assert.Equal(SessionEventKind.TakenOver, (await resumed.NextAsync()).Event.Kind);
        Assert.Equal(StatusCode.Aborted, (await resumed.FailureAsync()).Failure.StatusCode);
        await grpc.CompleteAsync();
        Assert.NotNull((await grpc.RestAsync())[^1].Summary);
    }

    /// <summary>A page that closes in good order wants nothing more; one that is left may come back.</summary>
    [Theory]
    [InlineData(WebSocketCloseStatus.NormalClosure, 0)]
    [InlineData(WebSocketCloseStatus.EndpointUnavailable, 1)]
    public async Task How_a_client_closes_says_whether_its_session_waits(WebSocketCloseStatus status, int parked)
    {
        await using var server = await RunningServer.StartAsync(Lengths(out _));
        using var socket = await SocketCall.ConnectAsync(server.Server.Web!);
        using var session = await RunningServer.OpenAsync(socket.Session(), new OpenSession { Resumable = true });
        await session.SendFrameAsync(1);
        await session.NextOutcomeAsync();
        await socket.Socket.CloseAsync(status, null, Patience.Token());
        await Patience.UntilAsync(() => server.Sessions.List().Count == parked && server.Sessions.Connected == 0);
    }

    /// <summary>The server reads nothing from it then.</summary>
    [Fact]
    public async Task A_client_without_credits_that_goes_away_is_noticed()
    {
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(analyzer, new LoupeOptions { Limits = new LimitOptions { Credits = 1 } });
        var socket = await SocketCall.ConnectAsync(server.Server.Web!);
        var session = await RunningServer.OpenAsync(socket.Session(), new OpenSession { Resumable = true });
        await session.SendFrameAsync(1);
        await session.SendFrameAsync(2);
        var frame = await analyzer.NextAsync();
        session.Dispose();
        await server.UntilParkedAsync();
        frame.Succeed();
    }

    [Fact]
    public async Task A_client_that_half_closed_and_goes_away_is_noticed()
    {
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(analyzer);
        var socket = await SocketCall.ConnectAsync(server.Server.Web!);
        var session = await RunningServer.OpenAsync(socket.Session(), new OpenSession { Resumable = true });
        await session.SendFrameAsync(1);
        var frame = await analyzer.NextAsync();
        await session.CompleteAsync();
        session.Dispose();
        await server.UntilParkedAsync();
        frame.Succeed(0.1f);
    }

    [Fact]
    public async Task Pages_of_other_origins_come_in_only_where_they_are_named()
    {
        await using var server = await RunningServer.StartAsync(Lengths(out _), new LoupeOptions { Web = new WebOptions { Origins = "https://watch.example" } });
        var web = server.Server.Web!;
        foreach (var origin in (string[])["https://watch.example", $"http://{web.Authority}"])
        {
            using var welcome = await SocketCall.ConnectAsync(web, options => options.SetRequestHeader("Origin", origin));
        }

        foreach (var origin in (string[])["https://other.example", "http://watch.example", "null"])
        {
            Assert.Equal(HttpStatusCode.Forbidden, await RefusalAsync(web, options => options.SetRequestHeader("Origin", origin)));
        }
    }

    [Fact]
    public async Task A_browser_sends_its_key_as_a_protocol()
    {
        var key = await SecureServer.AddKeyAsync(_files["keys.json"], "page");
        await using var server = await SecureServer.StartAsync(new LoupeOptions { Security = new SecurityOptions { Keys = _files["keys.json"] } });
        var web = server.Server.Web!;
        using var socket = await SocketCall.ConnectAsync(web, options => Offer(options, "loupe.v1", $"loupe.key.{key}"));
        Assert.Equal("loupe.v1", socket.Socket.SubProtocol);
        using var session = await RunningServer.OpenAsync(socket.Session());
        Assert.Equal("key:page", Assert.Single(server.Sessions.List()).Opening.Owner);

        Assert.Equal(HttpStatusCode.Unauthorized, await RefusalAsync(web, static options => Offer(options, "loupe.v1", $"loupe.key.{AccessKey.NewSecret()}")));
        Assert.Equal(HttpStatusCode.Unauthorized, await RefusalAsync(web, static options => Offer(options, "loupe.v1")));
        Assert.Equal(HttpStatusCode.BadRequest, await RefusalAsync(web, options => Offer(options, $"loupe.key.{key}")));
    }

    /// <summary>It is one that never was, as over gRPC.</summary>
    [Fact]
    public async Task A_session_of_somebody_else_is_not_resumed_over_a_socket()
    {
        var (owner, thief) = (await SecureServer.AddKeyAsync(_files["keys.json"], "owner"), await SecureServer.AddKeyAsync(_files["keys.json"], "thief"));
        await using var server = await SecureServer.StartAsync(new LoupeOptions { Security = new SecurityOptions { Keys = _files["keys.json"] } });
        using var session = await RunningServer.OpenAsync(SecureServer.Call(server.Calls(owner)), new OpenSession { Resumable = true });

        using var theirs = await SocketCall.ConnectAsync(server.Server.Web!, options => Offer(options, "loupe.v1", $"loupe.key.{thief}"));
        using var stolen = await RunningServer.OpenAsync(theirs.Session(), new OpenSession { ResumeToken = session.Grant.ResumeToken });
        Assert.False(stolen.Grant.Resumed);
        await session.SendFrameAsync(1);
        Assert.NotNull((await session.NextOutcomeAsync()).Result);

        using var own = await SocketCall.ConnectAsync(server.Server.Web!, options => Offer(options, "loupe.v1", $"loupe.key.{owner}"));
        using var resumed = await RunningServer.OpenAsync(own.Session(), new OpenSession { ResumeToken = session.Grant.ResumeToken, ResponsesReceived = session.Received });
        Assert.Equal((true, session.Grant.SessionId), (resumed.Grant.Resumed, resumed.Grant.SessionId));
    }

    private static void Offer(ClientWebSocketOptions options, params string[] protocols) => Array.ForEach(protocols, options.AddSubProtocol);

    private static async Task<HttpStatusCode> RefusalAsync(Uri web, Action<ClientWebSocketOptions> change)
    {
        using var socket = new ClientWebSocket();
        socket.Options.CollectHttpResponseDetails = true;
        change(socket.Options);
        await Assert.ThrowsAsync<WebSocketException>(() => socket.ConnectAsync(new Uri($"ws://{web.Authority}/v1/stream"), Patience.Token()));
        return socket.HttpStatusCode;
    }

    /// <summary>Answers each frame at once, and keeps how long they were.</summary>
    private static ScriptedAnalyzer Lengths(out List<int> seen)
    {
        List<int> lengths = [];
        seen = lengths;
        return new ScriptedAnalyzer
        {
            Answer = input =>
            {
                lengths.Add(((Engine.EncodedInput)input).Data.Length);
                return ScriptedAnalyzer.Result(0.1f);
            },
        };
    }
}
