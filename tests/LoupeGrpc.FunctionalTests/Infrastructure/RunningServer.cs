using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using LoupeGrpc.Execution;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Hosting;
using LoupeGrpc.Server.Models;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.Server.Sessions.Memory;
using LoupeGrpc.V1;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace LoupeGrpc.FunctionalTests.Infrastructure;

/// <summary>A server on free ports in this process, and one connection to it. Disposing it verifies that it logged no error.</summary>
internal sealed class RunningServer : IAsyncDisposable
{
    /// <summary>Longer than any test has patience: what ends under it has not waited for it.</summary>
    public static readonly ShutdownOptions LongDrain = new() { DrainTimeout = TimeSpan.FromMinutes(30) };

    /// <summary>The same for sessions without a connection: what has gone did not go because its window had passed.</summary>
    public static readonly LoupeOptions LongWindow = new() { Sessions = new SessionOptions { ResumeWindow = TimeSpan.FromHours(1) } };

    private readonly GrpcChannel _channel;

    private RunningServer(LoupeServer server, LogRecorder log)
    {
        Server = server;
        Log = log;
        _channel = GrpcChannel.ForAddress(server.Grpc);
    }

    public LoupeServer Server { get; }

    public LogRecorder Log { get; }

    public GrpcChannel Channel => _channel;

    public ForgeryAnalysisService.ForgeryAnalysisServiceClient Client => new(_channel);

    public SessionRegistry Sessions => Server.Services.GetRequiredService<SessionRegistry>();

    public MemoryLedger Ledger => Server.Services.GetRequiredService<MemoryLedger>();

    /// <summary>Bytes of frames that wait or are analysed.</summary>
    public long FrameBytes => Ledger.Frames.Held.Bytes;

    public static Task<RunningServer> StartAsync(IFrameAnalyzer analyzer, LoupeOptions? options = null, TimeProvider? time = null) =>
        StartAsync(ModelRepository.Of(analyzer), options, time);

    /// <param name="models">The caller's.</param>
    /// <param name="change">What a test has otherwise than the program.</param>
    public static async Task<RunningServer> StartAsync(
        ModelRepository models, LoupeOptions? options = null, TimeProvider? time = null, LogRecorder? log = null, Action<IServiceCollection>? change = null)
    {
        log ??= new LogRecorder();
        options = (options ?? new LoupeOptions()) with
        {
            Endpoints = new EndpointOptions { Grpc = ListenUrl.Loopback(0), Operations = ListenUrl.Loopback(0), Web = ListenUrl.Loopback(0) },
        };
        var server = await LoupeServer.StartAsync(
            options,
            models,
            time ?? TimeProvider.System,
            logging =>
            {
                logging.AddProvider(log);
                change?.Invoke(logging.Services);
            },
            TestContext.Current.CancellationToken);
        return new RunningServer(server, log);
    }

    /// <summary>Breaks a connection and waits until the one session of the server has noticed.</summary>
    public async Task BreakAsync(BreakableConnection connection)
    {
        connection.Break();
        await UntilParkedAsync();
    }

    /// <summary>Waits until the one session of the server is without a connection.</summary>
    public Task UntilParkedAsync() => Patience.UntilAsync(() => Sessions.List() is [{ ParkedSince: not null }]);

    /// <summary>Another call for a session, with what was received over the one before.</summary>
    public async Task<RawSession> ResumeAsync(RawSession earlier)
    {
        var resumed = Call();
        resumed.Received = earlier.Received;
        await OpenAsync(resumed, new OpenSession { ResumeToken = earlier.Grant.ResumeToken, ResponsesReceived = earlier.Received });
        Assert.True(resumed.Grant.Resumed);
        Assert.Equal((earlier.Grant.SessionId, earlier.Grant.ResumeToken), (resumed.Grant.SessionId, resumed.Grant.ResumeToken));
        Assert.Empty(resumed.Grant.Unavailable);
        return resumed;
    }

    /// <summary>Claims a session that cannot be had so.</summary>
    public async Task<RpcException> RefuseAsync(ByteString token, ulong received)
    {
        using var call = Call();
        await call.SendAsync(new AnalyzeRequest { Open = new OpenSession { ResumeToken = token, ResponsesReceived = received } });
        var (before, failure) = await call.FailureAsync();
        Assert.Empty(before);
        return failure;
    }

    /// <summary>Another connection, which can be broken.</summary>
    public BreakableConnection Connect() => new(Server.Grpc);

    /// <summary>Opens a session and takes its grant.</summary>
    public Task<RawSession> OpenAsync(OpenSession? open = null) => OpenAsync(Call(), open);

    /// <summary>The same on a call on which nothing was sent yet.</summary>
    public static async Task<RawSession> OpenAsync(RawSession session, OpenSession? open = null)
    {
        await session.SendAsync(new AnalyzeRequest { Open = open ?? new OpenSession() });
        session.Grant = (await session.NextAsync()).Granted;
        Assert.NotNull(session.Grant);
        return session;
    }

    /// <summary>A call on which nothing was sent yet.</summary>
    public RawSession Call() => new(Client.Analyze(cancellationToken: TestContext.Current.CancellationToken));

    public async ValueTask DisposeAsync()
    {
        _channel.Dispose();
        await Server.StopAsync();
        await Server.DisposeAsync();
        Log.VerifyNoErrors();
    }
}
