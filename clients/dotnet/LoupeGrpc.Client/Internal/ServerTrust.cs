using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace LoupeGrpc.Client.Internal;

/// <summary>Whether the server's certificate is taken, and why not where it is not. Thread-safe.</summary>
internal sealed class ServerTrust(LoupeClientOptions options)
{
    private volatile CertificateProblem? _problem;

    /// <summary>What was wrong with the last certificate; null: nothing, or none was shown.</summary>
    public CertificateProblem? Problem => _problem;

    public SslClientAuthenticationOptions ToSslOptions()
    {
        var ssl = new SslClientAuthenticationOptions
        {
            RemoteCertificateValidationCallback = Validate,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
            ClientCertificateContext = options.ClientCertificate,
        };
        if (options.CertificateAuthority is { } authority)
        {
            ssl.CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            ssl.CertificateChainPolicy.CustomTrustStore.AddRange(authority);
        }

        return ssl;
    }

    private bool Validate(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        _problem = errors == SslPolicyErrors.None || options.AllowUntrustedCertificate
            ? null
            : CertificateProblem.Of(certificate as X509Certificate2, chain, errors, options);
        return _problem is null;
    }
}

/// <summary>Why a certificate is not taken.</summary>
/// <param name="Text">What is said of it, behind "the certificate of ADDRESS".</param>
internal sealed record CertificateProblem(LoupeUnavailableReason Reason, string Text)
{
    private const X509ChainStatusFlags Dates = X509ChainStatusFlags.NotTimeValid;

    /// <summary>What another authority would mend.</summary>
    private const X509ChainStatusFlags Signers = X509ChainStatusFlags.UntrustedRoot | X509ChainStatusFlags.PartialChain;

    public static CertificateProblem Of(X509Certificate2? certificate, X509Chain? chain, SslPolicyErrors errors, LoupeClientOptions options)
    {
        var (host, now) = (options.Address.IdnHost, options.TimeProvider.GetUtcNow());
        var found = (chain?.ChainStatus ?? []).Aggregate(X509ChainStatusFlags.NoError, static (all, status) => all | status.Status);
        if (certificate is null)
        {
            return new CertificateProblem(LoupeUnavailableReason.UntrustedCertificate, "is missing: the server showed none");
        }

        if ((found & Signers) != X509ChainStatusFlags.NoError)
        {
            var why = certificate.Issuer == certificate.Subject && (found & X509ChainStatusFlags.UntrustedRoot) != 0
                ? "it is signed by itself alone"
                : $"it is signed by {SignersOf(certificate, chain!)}, {Believed(options)}";
            return new CertificateProblem(LoupeUnavailableReason.UntrustedCertificate, $"is not trusted: {why}");
        }

        if ((found & ~Dates) != X509ChainStatusFlags.NoError)
        {
            var why = found.HasFlag(X509ChainStatusFlags.NotValidForUsage) ? "it, or who signed it, is not made for servers (key usage)" : $"{found & ~Dates}";
            return new CertificateProblem(LoupeUnavailableReason.UnfitCertificate, $"is not trusted: {why}");
        }

        if ((found & Dates) != 0)
        {
            // Its own dates, or those of somebody who signed it.
            var late = chain!.ChainElements.Select(static element => element.Certificate).FirstOrDefault(one => now > one.NotAfter || now < one.NotBefore) ?? certificate;
            return new CertificateProblem(LoupeUnavailableReason.ExpiredCertificate, now < late.NotBefore
                ? FormattableString.Invariant($"is not valid before {late.NotBefore.ToUniversalTime():yyyy-MM-dd HH:mm} UTC, and the clock here says {now:yyyy-MM-dd HH:mm}")
                : FormattableString.Invariant($"expired on {late.NotAfter.ToUniversalTime():yyyy-MM-dd HH:mm} UTC"));
        }

        return (errors & SslPolicyErrors.RemoteCertificateNameMismatch) != 0
            ? new CertificateProblem(LoupeUnavailableReason.WrongHost, $"is for {NamesOf(certificate)}, and not for {host}")
            : new CertificateProblem(LoupeUnavailableReason.UntrustedCertificate, $"is not trusted: {errors}");
    }

    /// <summary>Who signed it, and who vouches for that in the end, whose certificate is the one that lacks.</summary>
    private static string SignersOf(X509Certificate2 certificate, X509Chain chain)
    {
        var last = chain.ChainElements.Count > 0 ? chain.ChainElements[^1].Certificate.Issuer : certificate.Issuer;
        return last == certificate.Issuer ? last : $"{certificate.Issuer}, and that in the end by {last}";
    }

    private static string Believed(LoupeClientOptions options) => options.CertificateAuthority is { } authority
        ? $"and only {string.Join(" and ", authority.Take(3).Select(static one => one.Subject))}{(authority.Count > 3 ? " and others" : "")} is to be believed"
        : "which is not trusted on this machine";

    private static string NamesOf(X509Certificate2 certificate)
    {
        string[] names = certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().SelectMany(static extension =>
            extension.EnumerateDnsNames().Concat(extension.EnumerateIPAddresses().Select(static address => address.ToString()))).ToArray();
        return names.Length > 0 ? string.Join(", ", names) : certificate.Subject;
    }
}
