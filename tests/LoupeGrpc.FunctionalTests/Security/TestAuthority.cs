using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace LoupeGrpc.FunctionalTests.Security;

/// <summary>Somebody who signs certificates, made anew for each test.</summary>
internal sealed class TestAuthority : IDisposable
{
    private readonly X509Certificate2 _root;

    public static DateTimeOffset Now => TimeProvider.System.GetUtcNow();

    public TestAuthority(string name = "CN=test root")
        : this(Create(name, isAuthority: true, null, Now.AddDays(-2), Now.AddDays(30), null))
    {
    }

    private TestAuthority(X509Certificate2 root) => _root = root;

    public X509Certificate2Collection Roots => [_root];

    public string Pem => _root.ExportCertificatePem() + "\n";

    /// <summary>Signed by this one.</summary>
    public TestAuthority Below(string name) => new(Create(name, isAuthority: true, this, Now.AddDays(-1), Now.AddDays(20), null));

    /// <param name="host">A name or an address.</param>
    public X509Certificate2 Server(string name = "CN=server", string host = "127.0.0.1", DateTimeOffset? begin = null, DateTimeOffset? end = null) =>
        Create(name, isAuthority: false, this, begin ?? Now.AddDays(-1), end ?? Now.AddDays(10), host);

    public X509Certificate2 Client(string name, DateTimeOffset? end = null) =>
        Create(name, isAuthority: false, this, Now.AddDays(-1), end ?? Now.AddDays(10), null);

    /// <summary>A certificate and its key, in two files.</summary>
    /// <param name="between">Behind the certificate in its file.</param>
    public static void Write(X509Certificate2 certificate, string file, string keyFile, params TestAuthority[] between)
    {
        File.WriteAllText(file, string.Concat([certificate.ExportCertificatePem(), "\n", .. between.Select(static one => one.Pem)]));
        File.WriteAllText(keyFile, KeyOf(certificate));
    }

    public static string KeyOf(X509Certificate2 certificate) => certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem();

    public void Dispose() => _root.Dispose();

    private static X509Certificate2 Create(string name, bool isAuthority, TestAuthority? issuer, DateTimeOffset begin, DateTimeOffset end, string? host)
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(isAuthority, hasPathLengthConstraint: false, 0, critical: true));
        if (!isAuthority)
        {
            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(host is null ? "1.3.6.1.5.5.7.3.2" : "1.3.6.1.5.5.7.3.1")], critical: false));
        }

        if (host is not null)
        {
            var names = new SubjectAlternativeNameBuilder();
            if (IPAddress.TryParse(host, out var address))
            {
                names.AddIpAddress(address);
            }
            else
            {
                names.AddDnsName(host);
            }

            request.CertificateExtensions.Add(names.Build());
        }

        if (issuer is null)
        {
            return request.CreateSelfSigned(begin, end);
        }

        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(issuer._root, includeKeyIdentifier: false, includeIssuerAndSerial: true));
        using var signed = request.Create(issuer._root, begin, end < issuer._root.NotAfter ? end : issuer._root.NotAfter, RandomNumberGenerator.GetBytes(12));
        return signed.CopyWithPrivateKey(key);
    }
}
