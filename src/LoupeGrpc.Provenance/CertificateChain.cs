using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace LoupeGrpc.Provenance;

/// <summary>The certificates of a signature, as they came. Judged by their signatures alone, without any other than those given: nothing is fetched, and no store of the system is asked.</summary>
internal sealed class CertificateChain : IDisposable
{
    public const int MostListed = 4;

    private readonly IReadOnlyList<CredentialsCertificate> _facts;

    private CertificateChain(IReadOnlyList<X509Certificate2> certificates, IReadOnlyList<CredentialsCertificate> facts)
    {
        Certificates = certificates;
        _facts = facts;
    }

    /// <summary>The signer's first.</summary>
    public IReadOnlyList<X509Certificate2> Certificates { get; }

    public X509Certificate2 Signer => Certificates[0];

    /// <exception cref="CredentialsException"/>
    public static CertificateChain Read(IReadOnlyList<ReadOnlyMemory<byte>> files)
    {
        List<X509Certificate2> certificates = [];
        try
        {
            foreach (var file in files)
            {
                certificates.Add(X509CertificateLoader.LoadCertificate(file.Span));
            }

            // The framework reads most of a certificate only where it is asked for, and throws there.
            return new CertificateChain(certificates, [.. certificates.Select(FactsOf)]);
        }
        catch (CryptographicException)
        {
            certificates.ForEach(static certificate => certificate.Dispose());
            throw new CredentialsException("a certificate of the signature cannot be read");
        }
    }

    public IReadOnlyList<CredentialsCertificate> List() => [.. _facts.Take(MostListed)];

    /// <summary>Whether each is signed by the next. Of a single one there is nothing to say.</summary>
    public CredentialsCheck Check()
    {
        if (Certificates.Count == 1)
        {
            return CredentialsCheck.NotJudged(IsSelfIssued(Signer) ? "the signer's certificate was issued by the signer" : "the signer's certificate is the only one");
        }

        for (int i = 0; i + 1 < Certificates.Count; i++)
        {
            var (certificate, issuer) = (Certificates[i], Certificates[i + 1]);
            if (!certificate.IssuerName.RawData.AsSpan().SequenceEqual(issuer.SubjectName.RawData))
            {
                return CredentialsCheck.Fails($"certificate {i + 1} names another issuer than certificate {i + 2}");
            }

            switch (IsSignedBy(certificate, issuer))
            {
                case false:
                    return CredentialsCheck.Fails($"certificate {i + 1} is not signed by certificate {i + 2}");
                case null:
                    return CredentialsCheck.NotJudged($"certificate {i + 1} has a signature of a kind that is not known here");
            }
        }

        return CredentialsCheck.Holds;
    }

    /// <param name="time">When it was signed; null: nothing says.</param>
    public CredentialsCheck CheckValidity(DateTimeOffset? time) =>
        time is not { } moment ? CredentialsCheck.NotJudged("nothing says when it was signed")
        : moment < _facts[0].NotBefore || moment > _facts[0].NotAfter ? CredentialsCheck.Fails("the signer's certificate was not valid then")
        : CredentialsCheck.Holds;

    public void Dispose()
    {
        foreach (var certificate in Certificates)
        {
            certificate.Dispose();
        }
    }

    public static bool IsSelfIssued(X509Certificate2 certificate) => certificate.SubjectName.RawData.AsSpan().SequenceEqual(certificate.IssuerName.RawData);

    /// <exception cref="CryptographicException">Something in it cannot be read.</exception>
    private static CredentialsCertificate FactsOf(X509Certificate2 certificate) => new(
        PlainText.Clean(certificate.Subject, PlainText.Long),
        PlainText.Clean(certificate.Issuer, PlainText.Long),
        TimeOf(certificate.NotBefore),
        TimeOf(certificate.NotAfter),
        IsSelfIssued(certificate),
        Convert.ToHexStringLower(SHA256.HashData(certificate.RawData)));

    private static DateTimeOffset TimeOf(DateTime local) => new(local.ToUniversalTime());

    /// <summary>Null: that cannot be told here.</summary>
    private static bool? IsSignedBy(X509Certificate2 certificate, X509Certificate2 issuer)
    {
        try
        {
            var outer = new AsnReader(certificate.RawDataMemory, AsnEncodingRules.DER).ReadSequence();
            var signed = outer.ReadEncodedValue().Span;
            var algorithm = outer.ReadSequence();
            string oid = algorithm.ReadObjectIdentifier();
            byte[] signature = outer.ReadBitString(out _);
            if (oid == CertificateKey.Ed25519)
            {
                return CertificateKey.VerifyEd25519(issuer, signed, signature);
            }

            HashAlgorithmName? hash = oid switch
            {
                "1.2.840.10045.4.3.2" or "1.2.840.113549.1.1.11" => HashAlgorithmName.SHA256,
                "1.2.840.10045.4.3.3" or "1.2.840.113549.1.1.12" => HashAlgorithmName.SHA384,
                "1.2.840.10045.4.3.4" or "1.2.840.113549.1.1.13" => HashAlgorithmName.SHA512,
                CertificateKey.RsaPss => HashOfPss(algorithm),
                _ => null,
            };
            if (hash is not { } function)
            {
                return null;
            }

            if (oid.StartsWith("1.2.840.10045.", StringComparison.Ordinal))
            {
                using var ecdsa = issuer.GetECDsaPublicKey();
                return ecdsa?.VerifyData(signed, signature, function, DSASignatureFormat.Rfc3279DerSequence);
            }

            using var rsa = CertificateKey.ImportRsa(issuer);
            return rsa.KeySize > CertificateKey.MostRsaBits ? null : rsa.VerifyData(signed, signature, function, oid == CertificateKey.RsaPss ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1);
        }
        catch (Exception exception) when (exception is CryptographicException or AsnContentException)
        {
            return null;
        }
    }

    private static HashAlgorithmName? HashOfPss(AsnReader algorithm)
    {
        if (!algorithm.HasData)
        {
            return null;
        }

        var parameters = algorithm.ReadSequence();
        var tag = new Asn1Tag(TagClass.ContextSpecific, 0, isConstructed: true);
        return !parameters.HasData || !parameters.PeekTag().HasSameClassAndValue(tag)
            ? null
            : parameters.ReadSequence(tag).ReadSequence().ReadObjectIdentifier() switch
            {
                "2.16.840.1.101.3.4.2.1" => HashAlgorithmName.SHA256,
                "2.16.840.1.101.3.4.2.2" => HashAlgorithmName.SHA384,
                "2.16.840.1.101.3.4.2.3" => HashAlgorithmName.SHA512,
                _ => null,
            };
    }
}
