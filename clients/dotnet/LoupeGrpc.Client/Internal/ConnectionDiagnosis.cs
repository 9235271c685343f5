using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;

namespace LoupeGrpc.Client.Internal;

/// <summary>
/// Says what is wrong where client and server do not even come to speak with each other: the transport says of most of it only that something unexpected was
/// read. Where that is needed, a connection of its own asks.
/// </summary>
internal sealed class ConnectionDiagnosis(LoupeClientOptions options, ServerTrust trust)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>What a client of HTTP/2 says first, with settings of which there are none.</summary>
    private static readonly byte[] Preface = [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, 0, 0, 0, 4, 0, 0, 0, 0, 0];

    /// <returns>Null: nothing that the transport does not say itself.</returns>
    public async Task<LoupeException?> ExplainAsync(RpcException error, CancellationToken cancellationToken)
    {
        // With no exception the server has answered; with one of sockets nobody took the connection.
        if (options.SocketPath is not null || error.Status.DebugException is not { } cause || Has<SocketException>(cause) && !RpcErrors.HungUp(error))
        {
            return null;
        }

        if (options.Address.Scheme == Uri.UriSchemeHttps)
        {
            return trust.Problem is { } problem && Has<AuthenticationException>(cause)
                ? new LoupeUnavailableException($"the certificate of {options.ShownAddress} {problem.Text}", error, problem.Reason)
                : await ExplainTlsAsync(error, cancellationToken).ConfigureAwait(false);
        }

        return (Has<IOException>(cause) || Has<HttpProtocolException>(cause) || cause is HttpRequestException) && await SpeaksTlsAsync(static () => { }, cancellationToken).ConfigureAwait(false)
            ? new LoupeUnavailableException(
                $"what answers at {options.ShownAddress} speaks TLS: the address is https://{options.Address.Authority}", error, LoupeUnavailableReason.TlsRequired)
            : null;
    }

    /// <summary>A server that does not take our certificate closes the connection, and few say so first.</summary>
    private async Task<LoupeException?> ExplainTlsAsync(RpcException error, CancellationToken cancellationToken)
    {
        var wantsCertificate = false;
        if (await SpeaksTlsAsync(() => wantsCertificate = true, cancellationToken).ConfigureAwait(false))
        {
            return wantsCertificate ? Refusal(error) : null;
        }

        return await SpeaksPlainAsync(cancellationToken).ConfigureAwait(false)
            ? new LoupeUnavailableException(
                $"what answers at {options.ShownAddress} does not speak TLS: the address is http://{options.Address.Authority}", error, LoupeUnavailableReason.TlsNotSupported)
            : Has<AuthenticationException>(error.Status.DebugException!)
                ? new LoupeUnavailableException($"no TLS connection to {options.ShownAddress} comes about ({Innermost(error.Status.DebugException!).TrimEnd('.')})", error)
                : null;
    }

    private LoupeRefusedException Refusal(RpcException error) => new(
        options.ClientCertificate is { TargetCertificate: { Subject: var subject, Issuer: var issuer } own }
            ? $"the server at {options.ShownAddress} does not let us in: it does not accept the certificate {subject}, signed by {issuer}; {WhyNot(own)}"
            : $"the server at {options.ShownAddress} does not let us in: it wants a certificate of its clients",
        error);

    /// <summary>The server does not say. What is wrong with its dates is seen here, unless the clocks differ.</summary>
    private string WhyNot(X509Certificate2 own)
    {
        var now = options.TimeProvider.GetUtcNow();
        return now > own.NotAfter ? FormattableString.Invariant($"it expired on {own.NotAfter.ToUniversalTime():yyyy-MM-dd HH:mm} UTC")
            : now < own.NotBefore ? FormattableString.Invariant($"it is not valid before {own.NotBefore.ToUniversalTime():yyyy-MM-dd HH:mm} UTC")
            : "it wants one of an authority that it believes (Loupe:Tls:ClientAuthority)";
    }

    /// <param name="asked">Called when it wants a certificate of ours.</param>
    private Task<bool> SpeaksTlsAsync(Action asked, CancellationToken cancellationToken) => AskAsync(
        async (stream, token) =>
        {
            // Whose it is does not matter: nothing is sent over it.
#pragma warning disable CA5359
            using var tls = new SslStream(stream, leaveInnerStreamOpen: true, static (_, _, _, _) => true);
#pragma warning restore CA5359
            await tls.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                {
                    TargetHost = options.Address.IdnHost,
                    ApplicationProtocols = [SslApplicationProtocol.Http2],
                    // Called once before anything is known of the server, and again when it asks.
                    LocalCertificateSelectionCallback = (_, _, _, remote, _) =>
                    {
                        if (remote is not null)
                        {
                            asked();
                        }

                        return null!;
                    },
                },
                token).ConfigureAwait(false);
            return true;
        },
        cancellationToken);

    private Task<bool> SpeaksPlainAsync(CancellationToken cancellationToken) => AskAsync(
        static async (stream, token) =>
        {
            await stream.WriteAsync(Preface, token).ConfigureAwait(false);
            var answer = new byte[5];
            var read = await stream.ReadAtLeastAsync(answer, answer.Length, throwOnEndOfStream: false, token).ConfigureAwait(false);
            // Settings, or a server of HTTP/1.1 that is at a loss.
            return read == answer.Length && (answer[3] == 4 && answer[0] == 0 || answer.AsSpan().SequenceEqual("HTTP/"u8));
        },
        cancellationToken);

    private async Task<bool> AskAsync(Func<Stream, CancellationToken, Task<bool>> ask, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(options.Address.IdnHost, options.Address.Port, patience.Token).ConfigureAwait(false);
            return await ask(client.GetStream(), patience.Token).ConfigureAwait(false);
        }
        catch (Exception error) when (error is IOException or SocketException or AuthenticationException or OperationCanceledException)
        {
            return false;
        }
    }

    private static bool Has<T>(Exception cause)
        where T : Exception => Causes.Of<T>(cause) is not null;

    private static string Innermost(Exception cause) => Causes.Of(cause).Last().Message.ReplaceLineEndings(" ");
}
