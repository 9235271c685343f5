using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using LoupeGrpc.Server.Configuration;

namespace LoupeGrpc.Server.Security;

/// <summary>
/// What TLS connections are begun with: the server's certificate, and whom it takes certificates of clients from. A connection keeps what it was begun with.
/// Thread-safe.
/// </summary>
internal sealed class TlsCertificates(LoupeOptions options, TimeProvider time, RefusalLog refusals, ILogger<TlsCertificates> logger) : IReloadable
{
    private volatile Loaded? _loaded;

    public IReadOnlyList<string> Files { get; } =
        [.. new[] { options.Tls.Certificate, options.Tls.Key, options.Tls.ClientAuthority }.Where(static file => file.Length > 0)];

    /// <exception cref="InvalidDataException"/>
    public void Load()
    {
        _loaded = Read();
        WarnOfDates(_loaded);
    }

    public string? Reload()
    {
        try
        {
            var (before, now) = (_loaded, Read());
            if (before is not null && before.HasSameCertificate(now) && before.HasSameAuthority(now))
            {
                return null;
            }

            _loaded = now;
            if (now.Certificate is { Subject: var subject, NotAfter: var end } && before?.HasSameCertificate(now) != true)
            {
                SecurityLog.CertificateReloaded(logger, subject, end);
            }

            if (now.Authority.Count > 0 && before?.HasSameAuthority(now) != true)
            {
                var authority = NamesOf(now.Authority);
                SecurityLog.AuthorityReloaded(logger, authority);
            }

            WarnOfDates(now);
            return null;
        }
        catch (InvalidDataException exception)
        {
            return exception.Message;
        }
    }

    public void LogBroken(string problem) => SecurityLog.CertificateBroken(logger, problem);

    /// <summary>For a connection that begins now.</summary>
    /// <param name="peer">For the log.</param>
    /// <param name="clients">Whether the client shows a certificate.</param>
    public SslServerAuthenticationOptions Begin(string peer, ClientCertificatePolicy clients)
    {
        var loaded = _loaded!;
        var tls = new SslServerAuthenticationOptions
        {
            ServerCertificateContext = loaded.Context,
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            ClientCertificateRequired = clients != ClientCertificatePolicy.None,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        };
        if (clients != ClientCertificatePolicy.None)
        {
            tls.CertificateChainPolicy = PolicyOf(loaded.Authority);
            tls.RemoteCertificateValidationCallback = (_, certificate, chain, errors) =>
            {
                if (errors == SslPolicyErrors.None
                    || (errors == SslPolicyErrors.RemoteCertificateNotAvailable && clients == ClientCertificatePolicy.Allow))
                {
                    return true;
                }

                refusals.Add(peer, Caller.Nobody, null, certificate is null
                    ? "it shows no certificate, and Loupe:Tls:ClientCertificates is require"
                    : $"its certificate {certificate.Subject} is not accepted: {string.Join(", ", chain?.ChainStatus.Select(static status => status.Status.ToString()) ?? [])}");
                return false;
            };
        }

        return tls;
    }

    /// <summary>Nobody else's word is taken, and nothing is fetched from addresses that a certificate names.</summary>
    public static X509ChainPolicy PolicyOf(X509Certificate2Collection authority)
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
        };
        policy.CustomTrustStore.AddRange(authority);
        return policy;
    }

    private Loaded Read()
    {
        var tls = options.Tls;
        var authority = tls.ClientAuthority.Length > 0 ? TlsFiles.ReadAuthority("Loupe:Tls:ClientAuthority", tls.ClientAuthority) : [];
        if (tls.Certificate.Length == 0)
        {
            return new Loaded(null, null, [], authority);
        }

        var (certificate, chain) = TlsFiles.ReadCertificate(tls);
        return new Loaded(certificate, SslStreamCertificateContext.Create(certificate, chain, offline: true), chain, authority);
    }

    private void WarnOfDates(Loaded loaded)
    {
        if (loaded.Certificate is { Subject: var subject, NotBefore: var begin, NotAfter: var end } && time.GetUtcNow() is var now && (now < begin || now > end))
        {
            SecurityLog.CertificateNotValidNow(logger, subject, begin, end);
        }

        if (loaded.Authority.Count > 0 && time.GetUtcNow() is var today && !loaded.Authority.Any(one => TlsFiles.IsRoot(one) && today >= one.NotBefore && today <= one.NotAfter))
        {
            var authority = NamesOf(loaded.Authority);
            SecurityLog.AuthorityNotValidNow(logger, authority);
        }
    }

    private static string NamesOf(X509Certificate2Collection certificates) => string.Join(" and ", certificates.Select(static one => one.Subject));

    /// <summary>Not disposed of: connections that begin at that moment still use it, and the collector knows when none does.</summary>
    private sealed record Loaded(X509Certificate2? Certificate, SslStreamCertificateContext? Context, X509Certificate2Collection Chain, X509Certificate2Collection Authority)
    {
        public bool HasSameCertificate(Loaded other) => Certificate?.Thumbprint == other.Certificate?.Thumbprint && AreSame(Chain, other.Chain);

        public bool HasSameAuthority(Loaded other) => AreSame(Authority, other.Authority);

        private static bool AreSame(X509Certificate2Collection some, X509Certificate2Collection others) =>
            some.Select(static certificate => certificate.Thumbprint).SequenceEqual(others.Select(static certificate => certificate.Thumbprint));
    }
}
