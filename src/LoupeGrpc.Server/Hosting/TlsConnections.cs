using System.Net.Security;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Security;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace LoupeGrpc.Server.Hosting;

/// <summary>How connections to an <c>https://</c> address begin: each with the certificate of that moment.</summary>
internal static class TlsConnections
{
    /// <summary>Probes have no certificate: on the operations address it is asked for, and who reads metrics shows it.</summary>
    public static TlsHandshakeCallbackOptions Of(TlsCertificates certificates, Listener listener, ClientCertificatePolicy clients)
    {
        var here = listener == Listener.Operations && clients == ClientCertificatePolicy.Require ? ClientCertificatePolicy.Allow : clients;
        return new TlsHandshakeCallbackOptions
        {
            OnConnection = context => new(certificates.Begin(context.Connection.RemoteEndPoint?.ToString() ?? string.Empty, here)),
        };
    }

    /// <summary>Lets those in who have agreed on HTTP/2. Kestrel would log an error for each of the others.</summary>
    public static Func<ConnectionDelegate, ConnectionDelegate> RequireHttp2(RefusalLog refusals) => next => connection =>
    {
        if (connection.Features.Get<ITlsApplicationProtocolFeature>()?.ApplicationProtocol.Span.SequenceEqual(SslApplicationProtocol.Http2.Protocol.Span) == true)
        {
            return next(connection);
        }

        refusals.Add(connection.RemoteEndPoint?.ToString() ?? string.Empty, Caller.Nobody, null, "it does not ask for HTTP/2 (ALPN h2), which gRPC needs");
        connection.Abort();
        return Task.CompletedTask;
    };
}
