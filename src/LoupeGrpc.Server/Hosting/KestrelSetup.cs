using LoupeGrpc.Server.Configuration;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace LoupeGrpc.Server.Hosting;

/// <summary>The two endpoints and how their connections behave.</summary>
internal sealed class KestrelSetup
{
    /// <summary>Sessions and calls on one connection at a time: clients wait silently for more.</summary>
    private const int MaxStreams = 512;

    /// <summary>Bytes a client may send ahead of the reader.</summary>
    private const int StreamWindow = 512 << 10;

    private ListenOptions? _grpc;
    private ListenOptions? _operations;

    /// <summary>The port taken for gRPC. Once the server listens.</summary>
    public int GrpcPort => PortOf(_grpc);

    /// <summary>The port taken for operations. Once the server listens.</summary>
    public int OperationsPort => PortOf(_operations);

    public void Configure(KestrelServerOptions kestrel, LoupeOptions options)
    {
        kestrel.AddServerHeader = false;
        // A camera that pauses is no attack.
        kestrel.Limits.MinRequestBodyDataRate = null;
        kestrel.Limits.MinResponseDataRate = null;
        // gRPC limits each message instead; a session has no length.
        kestrel.Limits.MaxRequestBodySize = null;
        var http2 = kestrel.Limits.Http2;
        http2.KeepAlivePingDelay = options.Connections.PingInterval;
        http2.KeepAlivePingTimeout = options.Connections.PingInterval;
        http2.MaxStreamsPerConnection = MaxStreams;
        http2.InitialStreamWindowSize = StreamWindow;
        // Sessions that are slowed down must not use up the connection's window: the others on it go on.
        http2.InitialConnectionWindowSize = StreamWindow * MaxStreams;
        kestrel.Listen(options.Endpoints.Grpc.EndPoint, listen =>
        {
            listen.Protocols = HttpProtocols.Http2;
            _grpc = listen;
        });
        kestrel.Listen(options.Endpoints.Operations.EndPoint, listen =>
        {
            listen.Protocols = HttpProtocols.Http1;
            _operations = listen;
        });
    }

    private static int PortOf(ListenOptions? listen) =>
        listen?.IPEndPoint?.Port ?? throw new InvalidOperationException("The server does not listen yet.");
}
