using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text;
using LoupeGrpc.Client;
using LoupeGrpc.FunctionalTests.Infrastructure;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace LoupeGrpc.FunctionalTests.Client;

public class ClientTests
{
    private static readonly byte[] Picture = [1, 2, 3];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task No_server_is_told_with_address_and_remedy()
    {
        var address = new Uri($"http://127.0.0.1:{FreePort.Find()}");

        var error = await Assert.ThrowsAsync<LoupeUnavailableException>(
            () => LoupeClient.ConnectAsync(new LoupeClientOptions { Address = address, ConnectTimeout = TimeSpan.FromMilliseconds(50) }, Token));

        Assert.StartsWith($"no LoupeGrpc server at {address.GetLeftPart(UriPartial.Authority)}: is it running?", error.Message, StringComparison.Ordinal);
        Assert.Contains("loupe-grpc-server serve", error.Message, StringComparison.Ordinal);
        using var client = new LoupeClient(new LoupeClientOptions { Address = address, ConnectTimeout = TimeSpan.Zero });
        await Assert.ThrowsAsync<LoupeUnavailableException>(() => client.OpenSessionAsync(cancellationToken: Token));
    }

    [Fact]
    public async Task Connecting_waits_for_a_server_that_starts()
    {
        var port = FreePort.Find();
        var options = new LoupeClientOptions { Address = new Uri($"http://127.0.0.1:{port}"), ConnectTimeout = TimeSpan.FromMinutes(1) };
        using var early = new LoupeClient(options);

        var opening = early.OpenSessionAsync(cancellationToken: Token);
        var connecting = LoupeClient.ConnectAsync(options, Token);
        await using var server = await FakeAnalysisServer.StartAsync(new FakeAnalysisService(), port);

        await using var session = await opening;
        using var client = await connecting;
        Assert.Equal("fake/1.0", (await client.GetServerInfoAsync(Token)).Server);
    }

    [Theory]
    [InlineData("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")]
    [InlineData(null)]
    public async Task What_speaks_no_grpc_is_told_with_the_reason(string? answer)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var answering = AnswerAndCloseAsync(listener, answer);
        var address = new Uri($"http://{listener.LocalEndpoint}");

        var error = await Assert.ThrowsAnyAsync<LoupeException>(
            () => LoupeClient.ConnectAsync(new LoupeClientOptions { Address = address, ConnectTimeout = TimeSpan.Zero }, Token));

        // Whether the handshake or the first request meets the answer, or the end of the connection, is a matter of time; each says that this is no gRPC server.
        Assert.Contains("does not speak gRPC", error.Message, StringComparison.Ordinal);
        listener.Stop();
        await answering;
    }

    /// <summary>A busy proxy, say: it takes connections and does not come to speak TLS.</summary>
    [Fact]
    public async Task What_takes_connections_and_does_no_handshake_is_told()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var address = new Uri($"https://{listener.LocalEndpoint}");

        var error = await Assert.ThrowsAsync<LoupeUnavailableException>(
            () => LoupeClient.ConnectAsync(new LoupeClientOptions { Address = address, ConnectTimeout = TimeSpan.Zero }, Token));

        Assert.Contains("did not take a connection within 5 s", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(413, "a proxy answered with HTTP 413: a proxy in between may not let it pass (nginx: client_max_body_size")]
    [InlineData(502, "a proxy answered with HTTP 502: it does not reach the server")]
    [InlineData(504, "a proxy answered with HTTP 504: it did not wait for the server (nginx: grpc_read_timeout")]
    [InlineData(404, "something that does not speak gRPC answered with HTTP 404")]
    public async Task A_proxy_that_answers_for_the_server_is_told_from_it(int status, string expected)
    {
        await using var proxy = await ProxyAsync(context =>
        {
            context.Response.StatusCode = status;
            return Task.CompletedTask;
        });
        using var client = new LoupeClient(new LoupeClientOptions { Address = new Uri(proxy.Urls.Single()), ConnectTimeout = TimeSpan.Zero, UnaryRetries = 0 });

        var session = await Assert.ThrowsAsync<LoupeUnavailableException>(() => client.OpenSessionAsync(cancellationToken: Token));
        var picture = await Assert.ThrowsAsync<LoupeUnavailableException>(() => client.AnalyzeImageAsync(new EncodedFrame(Picture), cancellationToken: Token));

        Assert.Contains(expected, session.Message, StringComparison.Ordinal);
        Assert.Contains(expected, picture.Message, StringComparison.Ordinal);
    }

    /// <summary>A busy one may need longer for the answer that it stops than a client waits for a server that is not there.</summary>
    [Fact]
    public async Task Time_for_connecting_begins_with_the_first_answer_that_there_is_none()
    {
        var timeout = TimeSpan.FromMilliseconds(200);
        var calls = 0;
        await using var proxy = await ProxyAsync(async context =>
        {
            context.Response.StatusCode = 404;
            if (Interlocked.Increment(ref calls) == 1)
            {
                await Task.Delay(timeout * 1.5, Token);
                context.Response.StatusCode = 502;
            }
        });
        using var client = new LoupeClient(new LoupeClientOptions { Address = new Uri(proxy.Urls.Single()), ConnectTimeout = timeout });

        var error = await Assert.ThrowsAsync<LoupeUnavailableException>(() => client.OpenSessionAsync(cancellationToken: Token));

        Assert.Contains("HTTP 404", error.Message, StringComparison.Ordinal);
        Assert.Equal(2, calls);
    }

    [Fact]
    public async Task One_picture_needs_no_session()
    {
        await using var server = await FakeAnalysisServer.StartAsync(new FakeAnalysisService());
        using var client = new LoupeClient(new LoupeClientOptions { Address = server.Address });

        var response = await client.AnalyzeImageAsync(new EncodedFrame(Picture), cancellationToken: Token);

        Assert.Equal(0.7f, response.Result.Score);
        Assert.Equal("fake-model", response.Model.Name);
    }

    [Fact]
    public async Task The_reason_of_a_refused_picture_comes_from_the_details()
    {
        await using var server = await FakeAnalysisServer.StartAsync(new FakeAnalysisService());
        using var client = new LoupeClient(new LoupeClientOptions { Address = server.Address });

        var error = await Assert.ThrowsAsync<LoupeRequestException>(
            () => client.AnalyzeImageAsync(new EncodedFrame(default), cancellationToken: Token));

        Assert.Equal((LoupeFailureCode.Invalid, "the picture is empty"), (error.Code, error.Message));
    }

    [Fact]
    public async Task Frames_in_and_outcomes_out_as_one_sequence()
    {
        await using var server = await FakeAnalysisServer.StartAsync(new FakeAnalysisService { Credits = 2 });
        using var client = new LoupeClient(new LoupeClientOptions { Address = server.Address });

        var ids = await client.AnalyzeAsync(FramesAsync(20, cancellationToken: Token), cancellationToken: Token).Select(outcome => outcome.FrameId).ToListAsync(Token);

        Assert.Equal(Enumerable.Range(0, 20).Select(i => (ulong)i), ids);
    }

    [Fact]
    public async Task A_source_that_fails_is_told_after_the_outcomes_of_what_was_sent()
    {
        await using var server = await FakeAnalysisServer.StartAsync(new FakeAnalysisService());
        using var client = new LoupeClient(new LoupeClientOptions { Address = server.Address });
        var outcomes = new List<LoupeOutcome>();

        var error = await Assert.ThrowsAsync<InvalidDataException>(async () =>
        {
            await foreach (var outcome in client.AnalyzeAsync(FramesAsync(3, new InvalidDataException("bad tape"), cancellationToken: Token), cancellationToken: Token))
            {
                outcomes.Add(outcome);
            }
        });

        Assert.Equal("bad tape", error.Message);
        Assert.Equal(3, outcomes.Count);
    }

    [Fact]
    public async Task A_connection_that_breaks_is_told_even_when_the_source_waits_for_ever()
    {
        await using var server = await FakeAnalysisServer.StartAsync(new FakeAnalysisService { IsGated = true, AbortAfter = 2 });
        using var client = new LoupeClient(new LoupeClientOptions { Address = server.Address });
        var outcomes = new List<LoupeOutcome>();

        await Assert.ThrowsAsync<LoupeConnectionLostException>(async () =>
        {
            await foreach (var outcome in client.AnalyzeAsync(FramesAsync(2, waitForEver: true, cancellationToken: Token), cancellationToken: Token))
            {
                outcomes.Add(outcome);
            }
        });

        Assert.All(outcomes, outcome => Assert.Equal(LoupeFailureCode.ConnectionLost, Assert.IsType<LoupeFailed>(outcome).Code));
        Assert.Equal(2, outcomes.Count);
    }

    [Fact]
    public async Task Leaving_the_loop_early_ends_the_session()
    {
        await using var server = await FakeAnalysisServer.StartAsync(new FakeAnalysisService { Credits = 2 });
        using var client = new LoupeClient(new LoupeClientOptions { Address = server.Address });

        await foreach (var outcome in client.AnalyzeAsync(FramesAsync(int.MaxValue, cancellationToken: Token), cancellationToken: Token))
        {
            Assert.Equal(0UL, outcome.FrameId);
            break;
        }
    }

    private static async IAsyncEnumerable<LoupeFrame> FramesAsync(
        int count,
        Exception? error = null,
        bool waitForEver = false,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        for (var i = 0; i < count; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return new EncodedFrame(Picture) { FrameId = (ulong)i };
        }

        if (waitForEver)
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
        }

        if (error is not null)
        {
            throw error;
        }
    }

    /// <summary>Closes without having read, by which the other side is reset: with an answer it may see that first.</summary>
    private static async Task AnswerAndCloseAsync(TcpListener listener, string? answer)
    {
        try
        {
            while (true)
            {
                using var connection = await listener.AcceptTcpClientAsync(Token);
                if (answer is null)
                {
                    connection.LingerState = new LingerOption(enable: true, seconds: 0);
                }
                else
                {
                    await connection.GetStream().WriteAsync(Encoding.ASCII.GetBytes(answer), Token);
                }
            }
        }
        catch (Exception error) when (error is SocketException or InvalidOperationException or IOException)
        {
            // The test is over.
        }
    }

    private static async Task<WebApplication> ProxyAsync(RequestDelegate answer)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2));
        var proxy = builder.Build();
        proxy.Run(answer);
        await proxy.StartAsync(Token);
        return proxy;
    }
}
