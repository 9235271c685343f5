using System.Net.Sockets;
using Grpc.Net.Client;
using LoupeGrpc.V1;

namespace LoupeGrpc.FunctionalTests.Infrastructure;

/// <summary>One HTTP/2 connection to a server, which can be broken, or fall silent without a word to the server.</summary>
internal sealed class BreakableConnection : IDisposable
{
    private readonly GrpcChannel _channel;
    private Socket? _socket;
    private SilenceableStream? _stream;

    public BreakableConnection(Uri server)
    {
        var handler = new SocketsHttpHandler { ConnectCallback = ConnectAsync };
        _channel = GrpcChannel.ForAddress(server, new GrpcChannelOptions { HttpHandler = handler, DisposeHttpClient = true });
    }

    /// <summary>A call on which nothing was sent yet.</summary>
    public RawSession Call() => new(
        new ForgeryAnalysisService.ForgeryAnalysisServiceClient(_channel).Analyze(cancellationToken: TestContext.Current.CancellationToken));

    /// <summary>Opens a session and takes its grant.</summary>
    public Task<RawSession> OpenAsync(OpenSession? open = null) => RunningServer.OpenAsync(Call(), open);

    /// <summary>Resets the connection, as a cable that is pulled and put back does.</summary>
    public void Break() => _socket!.Close(0);

    /// <summary>From now on nothing is read from the server and nothing sent to it; the connection stays.</summary>
    public void FallSilent() => _stream!.Silent = true;

    public void Dispose()
    {
        _socket?.Dispose();
        _channel.Dispose();
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        _socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await _socket.ConnectAsync(context.DnsEndPoint, cancellationToken);
        return _stream = new SilenceableStream(_socket);
    }

    private sealed class SilenceableStream(Socket socket) : NetworkStream(socket, ownsSocket: true)
    {
        public volatile bool Silent;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var count = await base.ReadAsync(buffer, cancellationToken);
            if (Silent)
            {
                await Task.Delay(Timeout.Infinite, cancellationToken);
            }

            return count;
        }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
            Silent ? ValueTask.CompletedTask : base.WriteAsync(buffer, cancellationToken);
    }
}
