using Grpc.Core;
using Grpc.Core.Interceptors;
using Grpc.Net.Client;
using LoupeGrpc.Execution;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Hosting;
using LoupeGrpc.Server.Models;
using LoupeGrpc.Server.Security;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.V1;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace LoupeGrpc.FunctionalTests.Security;

/// <summary>A server in this process that asks who calls, and calls to it. Disposing it verifies that it logged no error.</summary>
internal sealed class SecureServer : IAsyncDisposable
{
    private readonly List<IDisposable> _owned = [];

    private SecureServer(LoupeServer server, LogRecorder log) => (Server, Log) = (server, log);

    public LoupeServer Server { get; }

    public LogRecorder Log { get; }

    public SessionRegistry Sessions => Server.Services.GetRequiredService<SessionRegistry>();

    /// <param name="scheme">Of all addresses.</param>
    /// <param name="time">Also says when it looks at its files by itself.</param>
    public static async Task<SecureServer> StartAsync(
        LoupeOptions options, string scheme = "http", IFrameAnalyzer? analyzer = null, EndpointOptions? endpoints = null, TimeProvider? time = null)
    {
        Assert.True(ListenUrl.TryParse($"{scheme}://127.0.0.1:0", out var url, out var error), error);
        var log = new LogRecorder();
        var server = await LoupeServer.StartAsync(
            options with { Endpoints = endpoints ?? new EndpointOptions { Grpc = url, Operations = url, Web = url } },
            ModelRepository.Of(analyzer ?? new ScriptedAnalyzer { Answer = static _ => ScriptedAnalyzer.Result(0.1f) }),
            time ?? TimeProvider.System,
            logging => logging.AddProvider(log),
            TestContext.Current.CancellationToken);
        return new SecureServer(server, log);
    }

    /// <summary>Writes a file of one key.</summary>
    /// <returns>The key.</returns>
    public static async Task<string> AddKeyAsync(string file, string name, Role role = Role.Analyse, int? sessions = null, double? framesPerSecond = null)
    {
        var secret = AccessKey.NewSecret();
        await KeyFile.ChangeAsync(
            file, TimeProvider.System, keys => [.. keys, new AccessKey(name, role.Word(), AccessKey.HashOf(secret), DateTimeOffset.UnixEpoch, sessions, framesPerSecond)], Patience.Token());
        return secret;
    }

    public static Task RevokeKeyAsync(string file, string name) =>
        KeyFile.ChangeAsync(file, TimeProvider.System, keys => [.. keys.Where(key => key.Name != name)], Patience.Token());

    /// <summary>A connection of its own.</summary>
    /// <param name="key">Sent along with each call; null: nothing.</param>
    public CallInvoker Calls(string? key = null, Action<SocketsHttpHandler>? change = null)
    {
        var handler = new SocketsHttpHandler();
        change?.Invoke(handler);
        var channel = GrpcChannel.ForAddress(Server.Grpc.Scheme == "unix" ? new Uri("http://localhost") : Server.Grpc, new GrpcChannelOptions { HttpHandler = handler, DisposeHttpClient = true });
        _owned.Add(channel);
        return channel.Intercept(headers =>
        {
            if (key is not null)
            {
                headers.Add("authorization", $"Bearer {key}");
            }

            return headers;
        });
    }

    public static async Task<StatusCode> AskAsync(CallInvoker calls)
    {
        try
        {
            await new ForgeryAnalysisService.ForgeryAnalysisServiceClient(calls).GetServerInfoAsync(new GetServerInfoRequest(), cancellationToken: Patience.Token());
            return StatusCode.OK;
        }
        catch (RpcException exception)
        {
            return exception.StatusCode;
        }
    }

    public static async Task<RpcException> RefusalAsync(CallInvoker calls) => await Assert.ThrowsAsync<RpcException>(async () =>
        await new ForgeryAnalysisService.ForgeryAnalysisServiceClient(calls).GetServerInfoAsync(new GetServerInfoRequest(), cancellationToken: Patience.Token()));

    public static RawSession Call(CallInvoker calls) =>
        new(new ForgeryAnalysisService.ForgeryAnalysisServiceClient(calls).Analyze(cancellationToken: TestContext.Current.CancellationToken));

    public async ValueTask DisposeAsync()
    {
        _owned.ForEach(static one => one.Dispose());
        await Server.StopAsync();
        await Server.DisposeAsync();
        Log.VerifyNoErrors();
    }
}
