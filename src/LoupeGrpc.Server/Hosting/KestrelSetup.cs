using System.Net;
using System.Net.Sockets;
using LoupeGrpc.Launch;
using LoupeGrpc.Server.Calls;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Security;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace LoupeGrpc.Server.Hosting;

/// <summary>The addresses that are listened on and how their connections behave. Disposing closes sockets that Kestrel has not taken over.</summary>
internal sealed class KestrelSetup : IDisposable
{
    /// <summary>Sessions and calls on one connection at a time: clients wait silently for more.</summary>
    private const int MaxStreams = 512;

    /// <summary>Bytes a client may send ahead of the reader.</summary>
    private const int StreamWindow = 512 << 10;

    private readonly List<(Listener Listener, HttpProtocols Protocols, ListenUrl Url, ListenSockets Sockets)> _listeners = [];

    private KestrelSetup()
    {
    }

    /// <summary>Takes the ports.</summary>
    /// <exception cref="ListenException"/>
    public static KestrelSetup Bind(EndpointOptions endpoints)
    {
        var setup = new KestrelSetup();
        try
        {
            setup.Add(Listener.Grpc, HttpProtocols.Http2, endpoints.Grpc, endpoints.SocketMode, "--listen or Loupe:Endpoints:Grpc");
            setup.Add(Listener.Operations, HttpProtocols.Http1, endpoints.Operations, endpoints.SocketMode, "--operations or Loupe:Endpoints:Operations");
            if (!endpoints.Web.IsOff)
            {
                setup.Add(Listener.Web, endpoints.Web.IsTls ? HttpProtocols.Http1AndHttp2 : HttpProtocols.Http1, endpoints.Web, endpoints.SocketMode, "--web or Loupe:Endpoints:Web");
            }

            return setup;
        }
        catch
        {
            setup.Dispose();
            throw;
        }
    }

    /// <summary>Where a client on this machine reaches a listener; null: it is off.</summary>
    public Uri? ClientAddress(Listener listener) =>
        _listeners.Find(candidate => candidate.Listener == listener) is { Url: { } url, Sockets: var sockets } ? url.ClientAddress(sockets.Port) : null;

    public void Configure(KestrelServerOptions kestrel, LoupeOptions options)
    {
        kestrel.AddServerHeader = false;
        // A camera that pauses is no attack.
        kestrel.Limits.MinRequestBodyDataRate = null;
        kestrel.Limits.MinResponseDataRate = null;
        // gRPC limits each message instead; a session has no length.
        kestrel.Limits.MaxRequestBodySize = null;
        // A call's own limit is narrower, and costs that call alone.
        kestrel.Limits.MaxRequestHeadersTotalSize = MetadataLimit.MaxReadBytes;
        kestrel.Limits.MaxRequestHeaderCount = MetadataLimit.MaxReadHeaders;
        var http2 = kestrel.Limits.Http2;
        http2.MaxRequestHeaderFieldSize = MetadataLimit.MaxReadBytes;
        http2.KeepAlivePingDelay = options.Connections.PingInterval;
        http2.KeepAlivePingTimeout = options.Connections.PingInterval;
        http2.MaxStreamsPerConnection = MaxStreams;
        http2.InitialStreamWindowSize = StreamWindow;
        // Sessions that are slowed down must not use up the connection's window: the others on it go on.
        http2.InitialConnectionWindowSize = StreamWindow * MaxStreams;
        var services = kestrel.ApplicationServices;
        ConnectionGate Gate(int limit) => new(
            limit, options.Connections.SilenceTimeout, services.GetRequiredService<TimeProvider>(), services.GetRequiredService<ILogger<ConnectionGate>>());
        var operators = Gate(OpenFiles.OperationsConnections);
        // One for both: what they share are open files.
        var callers = Gate(OpenFiles.Connections(ProcessLimits.OpenFiles, options.Connections.MaxConnections));
        foreach (var (listener, protocols, url, sockets) in _listeners)
        {
            var servedOn = new ServedOn(listener);
            var gate = listener == Listener.Operations ? operators : callers;
            foreach (var endPoint in sockets.EndPoints)
            {
                kestrel.Listen(endPoint, listen =>
                {
                    listen.Protocols = protocols;
                    listen.Use(gate.Guard);
                    listen.Use(next => connection =>
                    {
                        connection.Features.Set(servedOn);
                        connection.Features.Set(PeerUser.Of(connection.Features.Get<IConnectionSocketFeature>()?.Socket));
                        return next(connection);
                    });
                    if (url.IsTls)
                    {
                        listen.UseHttps(TlsConnections.Of(services.GetRequiredService<TlsCertificates>(), listener, options.Tls.ClientCertificates));
                        if (protocols == HttpProtocols.Http2)
                        {
                            listen.Use(TlsConnections.RequireHttp2(services.GetRequiredService<RefusalLog>()));
                        }
                    }
                });
            }
        }
    }

    /// <summary>For Kestrel, which asks for each of the end points.</summary>
    public Socket Take(EndPoint endPoint) => _listeners.Select(listener => listener.Sockets.Take(endPoint)).OfType<Socket>().First();

    /// <summary>
    /// Callers cannot connect any more, operators can. A proxy goes on to the next server when one refuses the connection, and cannot when one takes the call and
    /// refuses that.
    /// </summary>
    public void CloseToCallers() => _listeners.ForEach(static listener =>
    {
        if (listener.Listener != Listener.Operations)
        {
            listener.Sockets.Close();
        }
    });

    public void Dispose() => _listeners.ForEach(static listener => listener.Sockets.Dispose());

    private void Add(Listener listener, HttpProtocols protocols, ListenUrl url, string socketMode, string settings) =>
        _listeners.Add((listener, protocols, url, ListenSockets.Bind(url, socketMode, settings)));
}
