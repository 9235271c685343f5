using System.Buffers;
using System.Net.WebSockets;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Grpc.Core;
using LoupeGrpc.V1;

namespace LoupeGrpc.FunctionalTests.Infrastructure;

/// <summary>A session over a WebSocket as gRPC's client would have it, so that one test serves both.</summary>
internal sealed class SocketCall : IAsyncStreamReader<AnalyzeResponse>, IClientStreamWriter<AnalyzeRequest>, IDisposable
{
    private SocketCall(ClientWebSocket socket) => Socket = socket;

    public ClientWebSocket Socket { get; }

    /// <summary>What the server said of its own before it closed.</summary>
    public JsonNode? Reason { get; private set; }

    public AnalyzeResponse Current { get; private set; } = new();

    public WriteOptions? WriteOptions { get; set; }

    public static async Task<SocketCall> ConnectAsync(Uri web, Action<ClientWebSocketOptions>? change = null)
    {
        var socket = new ClientWebSocket();
        change?.Invoke(socket.Options);
        try
        {
            await socket.ConnectAsync(new Uri($"ws://{web.Authority}/v1/stream"), Patience.Token());
            return new SocketCall(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public RawSession Session() => new(new AsyncDuplexStreamingCall<AnalyzeRequest, AnalyzeResponse>(
        this, this, Task.FromResult(new Metadata()), static () => Status.DefaultSuccess, static () => [], Dispose));

    public Task WriteAsync(AnalyzeRequest message) => SendAsync(message.ToByteArray());

    public Task SendAsync(byte[] message, WebSocketMessageType type = WebSocketMessageType.Binary) => Socket.SendAsync(message, type, true, Patience.Token());

    public Task CompleteAsync() => SendAsync([]);

    public async Task<bool> MoveNext(CancellationToken cancellationToken)
    {
        while (true)
        {
            var message = new ArrayBufferWriter<byte>();
            ValueWebSocketReceiveResult part;
            do
            {
                part = await Socket.ReceiveAsync(message.GetMemory(4096), cancellationToken);
                message.Advance(part.Count);
            }
            while (!part.EndOfMessage);
            switch (part.MessageType)
            {
                case WebSocketMessageType.Binary:
                    Current = AnalyzeResponse.Parser.ParseFrom(message.WrittenSpan);
                    return true;
                case WebSocketMessageType.Text:
                    Reason = JsonNode.Parse(message.WrittenSpan);
                    break;
                default:
                    await Socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, cancellationToken);
                    return Socket.CloseStatus == WebSocketCloseStatus.NormalClosure ? false
                        : throw new RpcException(new Status((StatusCode)((int)Socket.CloseStatus! - 4000), Socket.CloseStatusDescription ?? string.Empty));
            }
        }
    }

    /// <summary>Vanishes.</summary>
    public void Dispose()
    {
        Socket.Abort();
        Socket.Dispose();
    }
}
