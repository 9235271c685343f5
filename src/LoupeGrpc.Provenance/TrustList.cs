using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace LoupeGrpc.Provenance;

/// <summary>Certificates that an operator trusts to vouch for signers. Immutable.</summary>
public sealed class TrustList
{
    private const string EmailProtection = "1.3.6.1.5.5.7.3.4";
    private const string DocumentSigning = "1.3.6.1.5.5.7.3.36";
    private const string ClaimSigning = "1.3.6.1.4.1.62558.2.1";
    private const string TimeStamping = "1.3.6.1.5.5.7.3.8";

    // What C2PA lets certificates of signers be for.
    private static readonly string[] SignerUses = [EmailProtection, DocumentSigning, ClaimSigning];

    private readonly X509Certificate2Collection _roots;

    private TrustList(X509Certificate2Collection roots) => _roots = roots;

    /// <param name="pem">Certificates in PEM, roots among them: those that sign themselves.</param>
    /// <exception cref="InvalidDataException">The message says what is wrong with them, for people.</exception>
    public static TrustList Read(ReadOnlySpan<char> pem)
    {
        try
        {
            var roots = new X509Certificate2Collection();
            roots.ImportFromPem(pem);
            return roots.Count == 0 ? throw new InvalidDataException("no certificate in PEM is in it")
                : !roots.Any(CertificateChain.IsSelfIssued) ? throw new InvalidDataException($"no root is in it, which signs itself: {roots[0].Subject} is signed by {roots[0].Issuer}, whose certificate is wanted too")
                : new TrustList(roots);
        }
        catch (CryptographicException exception)
        {
            throw new InvalidDataException("what is in it cannot be read as certificates in PEM", exception);
        }
    }

    /// <summary>Whether a signer's certificates lead to a root of the list.</summary>
    /// <param name="now">Counts where no time stamp says when it was signed that leads to a root of the list too.</param>
    internal CredentialsCheck Check(CertificateChain chain, SigningTime signing, DateTimeOffset now)
    {
        try
        {
            return Judge(chain, signing, now);
        }
        catch (CryptographicException)
        {
            return CredentialsCheck.NotJudged("a certificate says what it is for, or whose it is, in a way that cannot be read");
        }
    }

    private CredentialsCheck Judge(CertificateChain chain, SigningTime signing, DateTimeOffset now)
    {
        if (!IsFor(chain.Signer, SignerUses))
        {
            return CredentialsCheck.NotJudged("the signer's certificate is not meant for signing claims");
        }

        bool isStamped = signing is { Time: not null, Stamper.Count: > 0 }
            && IsFor(signing.Stamper[0], [TimeStamping])
            && Leads(signing.Stamper, signing.Time.Value, out _);
        return Leads([.. chain.Certificates], isStamped ? signing.Time!.Value : now, out string problem)
            ? CredentialsCheck.Holds
            : CredentialsCheck.NotJudged($"the certificates lead to none of the trust list: {problem}");
    }

    /// <summary>The framework looks among the system's certificates too for what lies between; roots are those of the list alone, and nothing is fetched.</summary>
    private bool Leads(X509Certificate2Collection certificates, DateTimeOffset time, out string problem)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(_roots);
        chain.ChainPolicy.ExtraStore.AddRange(certificates);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.VerificationTime = time.UtcDateTime;
        chain.ChainPolicy.VerificationTimeIgnored = false;
        bool leads = chain.Build(certificates[0]);
        problem = chain.ChainStatus is [var first, ..] ? PlainText.Clean(first.Status.ToString(), PlainText.Short) : string.Empty;
        foreach (var element in chain.ChainElements)
        {
            element.Certificate.Dispose();
        }

        return leads;
    }

    private static bool IsFor(X509Certificate2 certificate, IReadOnlyList<string> uses) =>
        certificate.Extensions.OfType<X509EnhancedKeyUsageExtension>().Any(extension => extension.EnhancedKeyUsages.OfType<Oid>().Any(use => uses.Contains(use.Value!)));
}
