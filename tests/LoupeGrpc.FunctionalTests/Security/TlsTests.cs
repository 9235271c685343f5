using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Security;
using Microsoft.Extensions.Time.Testing;

namespace LoupeGrpc.FunctionalTests.Security;

public sealed class TlsTests : IDisposable
{
    private readonly TemporaryDirectory _files = new();
    private readonly TestAuthority _authority = new();

    private TlsOptions Tls => new() { Certificate = _files["server.pem"], Key = _files["server.key"] };

    public void Dispose()
    {
        _authority.Dispose();
        _files.Dispose();
    }

    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public async Task Both_versions_of_TLS_are_spoken_and_HTTP_2_is_agreed_on(SslProtocols version)
    {
        WriteServer(_authority.Server());
        await using var server = await SecureServer.StartAsync(new LoupeOptions { Tls = Tls }, "https");

        using var connection = await ShakeHandsAsync(server.Server.Grpc, version, [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11]);

        Assert.Equal((version, SslApplicationProtocol.Http2), (connection.SslProtocol, connection.NegotiatedApplicationProtocol));
        Assert.Equal(StatusCode.OK, await SecureServer.AskAsync(server.Calls(change: Trust)));
        using var http = new HttpClient(Handler());
        Assert.Equal("Healthy", (await http.GetStringAsync(new Uri(server.Server.Operations, "/healthz/live"), Patience.Token())));
    }

    /// <summary>Verified at the end: it is no error of the server's.</summary>
    [Fact]
    public async Task Who_does_not_ask_for_HTTP_2_is_closed()
    {
        WriteServer(_authority.Server());
        await using var server = await SecureServer.StartAsync(new LoupeOptions { Tls = Tls }, "https");

        using var connection = await ShakeHandsAsync(server.Server.Grpc, SslProtocols.Tls13, []);

        Assert.Equal(0, await ReadAsync(connection));
        Assert.Contains(server.Log.Lines, static line => line.Contains("ALPN h2", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_chain_is_shown_whole()
    {
        using var between = _authority.Below("CN=test intermediate");
        WriteServer(between.Server(), between);
        await using var server = await SecureServer.StartAsync(new LoupeOptions { Tls = Tls }, "https");

        Assert.Equal(StatusCode.OK, await SecureServer.AskAsync(server.Calls(change: Trust)));
    }

    [Theory]
    [InlineData("pfx")]
    [InlineData("encrypted key")]
    [InlineData("one file")]
    public async Task Certificates_are_read_as_they_are_kept(string form)
    {
        var certificate = _authority.Server();
        var tls = Tls;
        switch (form)
        {
            case "pfx":
                await File.WriteAllBytesAsync(tls.Certificate, certificate.ExportPkcs12(Pkcs12ExportPbeParameters.Default, "secret"), Patience.Token());
                tls = tls with { Key = string.Empty, Password = "secret" };
                break;
            case "encrypted key":
                var parameters = new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000);
                await File.WriteAllTextAsync(tls.Certificate, certificate.ExportCertificatePem(), Patience.Token());
                await File.WriteAllTextAsync(tls.Key, certificate.GetECDsaPrivateKey()!.ExportEncryptedPkcs8PrivateKeyPem("secret", parameters), Patience.Token());
                tls = tls with { Password = "secret" };
                break;
            default:
                await File.WriteAllTextAsync(tls.Certificate, $"{TestAuthority.KeyOf(certificate)}\n{certificate.ExportCertificatePem()}\n", Patience.Token());
                tls = tls with { Key = string.Empty };
                break;
        }

        await using var server = await SecureServer.StartAsync(new LoupeOptions { Tls = tls }, "https");
        Assert.Equal(StatusCode.OK, await SecureServer.AskAsync(server.Calls(change: Trust)));
    }

    [Fact]
    public async Task A_new_certificate_is_shown_to_who_comes_then_and_ends_nothing()
    {
        WriteServer(_authority.Server("CN=old"));
        var time = new FakeTimeProvider(TestAuthority.Now);
        await using var server = await SecureServer.StartAsync(new LoupeOptions { Tls = Tls }, "https", time: time);
        using var session = await RunningServer.OpenAsync(SecureServer.Call(server.Calls(change: Trust)));
        Assert.Equal("CN=old", await SubjectAsync());

        // Half of it, then all of it without its key.
        var next = _authority.Server("CN=new");
        var pem = next.ExportCertificatePem();
        foreach (var unfinished in new[] { pem[..(pem.Length / 2)], pem })
        {
            await File.WriteAllTextAsync(Tls.Certificate, unfinished, Patience.Token());
            var warnings = Warnings();
            server.Server.Reload();
            Assert.Equal(warnings + 1, Warnings());
            Assert.Equal("CN=old", await SubjectAsync());
        }

        // Nobody tells it now.
        WriteServer(next);
        await Patience.UntilAsync(() =>
        {
            time.Advance(FileReload.Interval);
            return server.Log.Lines.Any(static line => line.Contains("The certificate is CN=new from now on", StringComparison.Ordinal));
        });
        Assert.Equal("CN=new", await SubjectAsync());
        await session.SendFrameAsync(1);
        Assert.NotNull((await session.NextOutcomeAsync()).Result);
        await session.CompleteAsync();
        Assert.NotNull(Assert.Single(await session.RestAsync()).Summary);

        int Warnings() => server.Log.Lines.Count(static line => line.Contains("Files of Loupe:Tls have changed and cannot be used", StringComparison.Ordinal));

        async Task<string> SubjectAsync()
        {
            using var connection = await ShakeHandsAsync(server.Server.Grpc, SslProtocols.Tls13, [SslApplicationProtocol.Http2]);
            return connection.RemoteCertificate!.Subject;
        }
    }

    [Fact]
    public async Task Clients_show_a_certificate_of_the_authority_or_are_not_let_in()
    {
        using var foreign = new TestAuthority("CN=somebody else");
        await using var server = await StartAsync(ClientCertificatePolicy.Require);

        Assert.Equal(StatusCode.OK, await AskAsync(_authority.Client("CN=gate-3")));
        Assert.NotEqual(StatusCode.OK, await AskAsync(null));
        Assert.NotEqual(StatusCode.OK, await AskAsync(foreign.Client("CN=gate-3")));
        Assert.NotEqual(StatusCode.OK, await AskAsync(_authority.Client("CN=late", TestAuthority.Now.AddHours(-1))));
        // One that names a server is none of a client.
        Assert.NotEqual(StatusCode.OK, await AskAsync(_authority.Server("CN=server")));
        Assert.Contains(server.Log.Lines, static line => line.Contains("is not accepted: PartialChain", StringComparison.Ordinal) || line.Contains("is not accepted: UntrustedRoot", StringComparison.Ordinal) || line.Contains("shows no certificate", StringComparison.Ordinal));

        // Who probes has none.
        using var probe = new HttpClient(Handler());
        Assert.Equal("Healthy", await probe.GetStringAsync(new Uri(server.Server.Operations, "/healthz/live"), Patience.Token()));
        using var refused = await probe.GetAsync(new Uri(server.Server.Operations, "/info"), Patience.Token());
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);

        Task<StatusCode> AskAsync(X509Certificate2? certificate) => SecureServer.AskAsync(server.Calls(change: handler => Show(handler, certificate)));
    }

    [Fact]
    public async Task Who_shows_a_certificate_is_its_subject_and_who_shows_none_may_have_a_key()
    {
        var key = await SecureServer.AddKeyAsync(_files["keys.json"], "gate-3");
        using var foreign = new TestAuthority("CN=somebody else");
        await using var server = await StartAsync(
            ClientCertificatePolicy.Allow,
            new SecurityOptions { Keys = _files["keys.json"], Identities = [new IdentityOptions { Name = "certificate:CN=prometheus", Role = "observe" }] });

        using var session = await RunningServer.OpenAsync(SecureServer.Call(server.Calls(change: handler => Show(handler, _authority.Client("CN=gate-4")))));
        Assert.Equal("certificate:CN=gate-4", Assert.Single(server.Sessions.List()).Opening.Owner);
        Assert.Equal(StatusCode.OK, await SecureServer.AskAsync(server.Calls(key, Trust)));
        Assert.Equal(StatusCode.Unauthenticated, await SecureServer.AskAsync(server.Calls(change: Trust)));
        Assert.NotEqual(StatusCode.OK, await SecureServer.AskAsync(server.Calls(key, handler => Show(handler, foreign.Client("CN=gate-4")))));
        Assert.Equal(StatusCode.PermissionDenied, await SecureServer.AskAsync(server.Calls(change: handler => Show(handler, _authority.Client("CN=prometheus")))));
        using var observer = new HttpClient(Handler(_authority.Client("CN=prometheus")));
        Assert.Contains("scripted", await observer.GetStringAsync(new Uri(server.Server.Operations, "/info"), Patience.Token()), StringComparison.Ordinal);
    }

    /// <summary>They would be one and the same identity.</summary>
    [Fact]
    public async Task A_certificate_without_a_subject_or_with_an_endless_one_is_nobody()
    {
        var key = await SecureServer.AddKeyAsync(_files["keys.json"], "gate-3");
        await using var server = await StartAsync(ClientCertificatePolicy.Allow, new SecurityOptions { Keys = _files["keys.json"], Open = true });

        var refusal = await SecureServer.RefusalAsync(server.Calls(change: handler => Show(handler, _authority.Client(string.Empty))));
        Assert.Equal((StatusCode.Unauthenticated, "the certificate has an empty subject, so it identifies nobody"), (refusal.StatusCode, refusal.Status.Detail));
        Assert.Equal(StatusCode.OK, await SecureServer.AskAsync(server.Calls(key, handler => Show(handler, _authority.Client(string.Empty)))));
        var endless = string.Join(", ", Enumerable.Range(0, 40).Select(static number => $"OU=unit {number:00} of the whole estate"));
        refusal = await SecureServer.RefusalAsync(server.Calls(change: handler => Show(handler, _authority.Client(endless))));
        Assert.Equal((StatusCode.Unauthenticated, $"the certificate's subject has {endless.Length} characters, and 1024 are taken"), (refusal.StatusCode, refusal.Status.Detail));
    }

    [Fact]
    public async Task Another_authority_holds_for_who_comes_then_and_one_that_vouches_for_nobody_does_not()
    {
        using var other = new TestAuthority("CN=another root");
        using var between = other.Below("CN=between");
        await using var server = await StartAsync(ClientCertificatePolicy.Require);
        using var session = await RunningServer.OpenAsync(SecureServer.Call(server.Calls(change: handler => Show(handler, _authority.Client("CN=gate-3")))));

        await File.WriteAllTextAsync(_files["clients.pem"], between.Pem, Patience.Token());
        server.Server.Reload();
        Assert.Contains(server.Log.Lines, static line => line.Contains("holds no root, which signs itself: CN=between is signed by CN=another root", StringComparison.Ordinal));
        Assert.Equal(StatusCode.OK, await AskAsync(_authority.Client("CN=gate-3")));

        await File.WriteAllTextAsync(_files["clients.pem"], between.Pem + other.Pem, Patience.Token());
        server.Server.Reload();
        Assert.Contains(server.Log.Lines, static line => line.Contains("Certificates of clients are those that CN=between and CN=another root signs from now on", StringComparison.Ordinal));
        Assert.DoesNotContain(server.Log.Lines, static line => line.Contains("The certificate is CN=server", StringComparison.Ordinal));
        Assert.Equal(StatusCode.OK, await AskAsync(between.Client("CN=gate-4")));
        Assert.NotEqual(StatusCode.OK, await AskAsync(_authority.Client("CN=gate-3")));
        await session.SendFrameAsync(1);
        Assert.NotNull((await session.NextOutcomeAsync()).Result);

        Task<StatusCode> AskAsync(X509Certificate2 certificate) => SecureServer.AskAsync(server.Calls(change: handler => Show(handler, certificate)));
    }

    private Task<SecureServer> StartAsync(ClientCertificatePolicy clients, SecurityOptions? security = null)
    {
        WriteServer(_authority.Server());
        File.WriteAllText(_files["clients.pem"], _authority.Pem);
        return SecureServer.StartAsync(
            new LoupeOptions { Tls = Tls with { ClientCertificates = clients, ClientAuthority = _files["clients.pem"] }, Security = security ?? new SecurityOptions() }, "https");
    }

    private void WriteServer(X509Certificate2 certificate, params TestAuthority[] between) => TestAuthority.Write(certificate, _files["server.pem"], _files["server.key"], between);

    private void Trust(SocketsHttpHandler handler) => Show(handler, null);

    private void Show(SocketsHttpHandler handler, X509Certificate2? certificate)
    {
        handler.SslOptions.CertificateChainPolicy = TlsCertificates.PolicyOf(_authority.Roots);
        if (certificate is not null)
        {
            handler.SslOptions.ClientCertificateContext = SslStreamCertificateContext.Create(certificate, null, offline: true);
        }
    }

    private SocketsHttpHandler Handler(X509Certificate2? certificate = null)
    {
        var handler = new SocketsHttpHandler { UseProxy = false };
        Show(handler, certificate);
        return handler;
    }

    private async Task<SslStream> ShakeHandsAsync(Uri address, SslProtocols version, List<SslApplicationProtocol> protocols)
    {
        var client = new TcpClient();
        await client.ConnectAsync(address.Host, address.Port, Patience.Token());
        var stream = new SslStream(client.GetStream());
        await stream.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions
            {
                TargetHost = address.Host,
                EnabledSslProtocols = version,
                ApplicationProtocols = protocols,
                CertificateChainPolicy = TlsCertificates.PolicyOf(_authority.Roots),
            },
            Patience.Token());
        return stream;
    }

    private static async Task<int> ReadAsync(SslStream connection)
    {
        try
        {
            return await connection.ReadAsync(new byte[1], Patience.Token());
        }
        catch (IOException)
        {
            return 0;
        }
    }
}
