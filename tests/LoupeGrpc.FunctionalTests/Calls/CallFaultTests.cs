using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using Grpc.Core;
using LoupeGrpc.FunctionalTests.Hosting;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Sessions.Memory;
using LoupeGrpc.V1;
using Microsoft.Extensions.DependencyInjection;

namespace LoupeGrpc.FunctionalTests.Calls;

public class CallFaultTests
{
    private const string InvalidArgument = "3";

    public static TheoryData<string, byte[]> Unreadable => new()
    {
        { "field 1 ends before it should", [0, 0, 0, 0, 2, 0x0a, 0x7f] },
        { "wire type 7", [0, 0, 0, 0, 1, 0x0f] },
        { "an end of a group that did not begin", [0, 0, 0, 0, 1, 0x0c] },
        { "compressed in a way there is not", [7, 0, 0, 0, 1, 0] },
    };

    [Theory]
    [MemberData(nameof(Unreadable))]
    public async Task A_request_that_cannot_be_read_is_the_callers_fault_and_one_line_of_log(string what, byte[] request)
    {
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer());
        foreach (var method in new[] { "ForgeryAnalysisService/AnalyzeImage", "ForgeryAnalysisService/Analyze", "SessionAdminService/GetSession" })
        {
            Assert.Equal((what, method, InvalidArgument), (what, method, await StatusAsync(server, $"/loupe.v1.{method}", request)));
        }

        Assert.Equal(3, server.Log.Lines.Count(static line => line.Contains("refused: ", StringComparison.Ordinal)));
        // At the levels that are logged unless asked for more.
        Assert.DoesNotContain(
            server.Log.Lines.Where(static line => !line.StartsWith("Debug", StringComparison.Ordinal) && !line.Contains(" Grpc.", StringComparison.Ordinal)),
            static line => line.Contains("   at ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Whatever_ends_a_single_picture_has_its_failure_in_the_details()
    {
        await using var server = await RunningServer.StartAsync(
            new ScriptedAnalyzer { Answer = static _ => throw new NotSupportedException("broken on purpose") },
            new LoupeOptions { Limits = new LimitOptions { MaxFrameBytes = 1024 } });
        StatusAssert.Carries(await FailureAsync(server, [0x0f]), StatusCode.InvalidArgument, FailureCode.Invalid);
        var tooLarge = StatusAssert.Carries(await FailureAsync(server, new byte[2 << 20]), StatusCode.ResourceExhausted, FailureCode.TooLarge);
        Assert.Contains("Loupe:Limits:MaxFrameBytes", tooLarge.Message, StringComparison.Ordinal);
        StatusAssert.Carries(await FailureAsync(server, [0x0a, 3, 0x0a, 1, 0xff]), StatusCode.Internal, FailureCode.Internal);
        server.Log.TakeError();
    }

    /// <summary>HTTP/2 compresses the headers of all calls of a connection with one state: what its reader refuses ends them all.</summary>
    [Theory]
    [InlineData(1, 60_000)]
    [InlineData(1, 400_000)]
    [InlineData(1000, 100)]
    public async Task Metadata_that_are_too_large_cost_their_own_call_alone(int headers, int length)
    {
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer { Answer = static _ => ScriptedAnalyzer.Result(0.1f) });
        using var session = await server.OpenAsync();
        var large = new Metadata();
        for (var number = 0; number < headers; number++)
        {
            large.Add($"x-{number}", new string('y', length));
        }

        var failure = await Assert.ThrowsAsync<RpcException>(
            async () => await server.Client.GetServerInfoAsync(new GetServerInfoRequest(), large, cancellationToken: Patience.Token()));
        var failed = StatusAssert.Carries(failure, StatusCode.ResourceExhausted, FailureCode.TooLarge);
        Assert.EndsWith("bytes; the limit is 32768", failed.Message, StringComparison.Ordinal);
        await session.SendFrameAsync(1);
        Assert.NotNull((await session.NextOutcomeAsync()).Result);
        Assert.Contains(server.Log.Lines, line => line.Contains(failed.Message, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_fault_of_ours_is_internal_and_logged_with_its_trace()
    {
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer { Answer = static _ => throw new NotSupportedException("broken on purpose") });
        var request = new byte[] { 0, 0, 0, 0, 5, 0x0a, 3, 0x0a, 1, 0xff };
        Assert.Equal("13", await StatusAsync(server, "/loupe.v1.ForgeryAnalysisService/AnalyzeImage", request));
        Assert.Contains("broken on purpose", server.Log.TakeError(), StringComparison.Ordinal);
    }

    /// <summary>Its calls hear of it from what they read, some of them before their tokens are canceled.</summary>
    [Fact]
    public async Task A_connection_that_breaks_in_the_middle_of_messages_is_no_fault()
    {
        const int Calls = 40;
        const int Announced = 1 << 20;
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer());
        var messages = server.Server.Services.GetRequiredService<MessageRoom>();
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        using var client = new HttpClient(new SocketsHttpHandler
        {
            UseProxy = false,
            ConnectCallback = async (context, cancellationToken) =>
            {
                await socket.ConnectAsync(context.DnsEndPoint, cancellationToken);
                return new NetworkStream(socket);
            },
        });
        var calls = Enumerable.Range(0, Calls).Select(_ => new StoppedCall(server.Server.Grpc, Announced, Announced / 2, "AnalyzeImage", client)).ToList();
        await Patience.UntilAsync(() => messages.Held == 2L * Calls * Announced);

        socket.Close(timeout: 0);

        await Patience.UntilAsync(() => messages.Held == 0);
        calls.ForEach(static call => call.Dispose());
    }

    /// <summary>Of a single picture whose request has these bytes.</summary>
    private static async Task<RpcException> FailureAsync(RunningServer server, byte[] message)
    {
        var bytes = Marshallers.Create(static (byte[] data) => data, static data => data);
        var method = new Method<byte[], byte[]>(MethodType.Unary, "loupe.v1.ForgeryAnalysisService", "AnalyzeImage", bytes, bytes);
        using var call = server.Channel.CreateCallInvoker().AsyncUnaryCall(method, null, new CallOptions(cancellationToken: Patience.Token()), message);
        return await Assert.ThrowsAsync<RpcException>(async () => await call);
    }

    /// <summary>One message, framed as given.</summary>
    private static async Task<string?> StatusAsync(RunningServer server, string path, byte[] framed)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(server.Server.Grpc, path))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(framed) { Headers = { ContentType = new MediaTypeHeaderValue("application/grpc") } },
        };
        using var response = await http.SendAsync(request, Patience.Token());
        await response.Content.ReadAsByteArrayAsync(Patience.Token());
        return (response.Headers.TryGetValues("grpc-status", out var early) ? early : response.TrailingHeaders.GetValues("grpc-status")).Single();
    }
}
