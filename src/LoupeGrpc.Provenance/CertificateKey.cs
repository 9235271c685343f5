using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using NSec.Cryptography;

namespace LoupeGrpc.Provenance;

/// <summary>What the framework does not do with the key of a certificate by itself.</summary>
internal static class CertificateKey
{
    public const string Ed25519 = "1.3.101.112";
    public const string Rsa = "1.2.840.113549.1.1.1";
    public const string RsaPss = "1.2.840.113549.1.1.10";

    /// <summary>What is larger takes seconds.</summary>
    public const int MostRsaBits = 8192;

    /// <summary>By the library that signs receipts: the framework has no Ed25519.</summary>
    /// <returns>Null: the key is none of Ed25519.</returns>
    public static bool? VerifyEd25519(X509Certificate2 certificate, ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature) =>
        NSec.Cryptography.PublicKey.TryImport(SignatureAlgorithm.Ed25519, certificate.PublicKey.EncodedKeyValue.RawData, KeyBlobFormat.RawPublicKey, out var key)
            ? SignatureAlgorithm.Ed25519.Verify(key!, data, signature)
            : null;

    /// <summary>Also where the certificate says that the key is for PSS alone.</summary>
    /// <exception cref="CryptographicException">It is none of RSA.</exception>
    public static RSA ImportRsa(X509Certificate2 certificate)
    {
        var key = RSA.Create();
        try
        {
            key.ImportRSAPublicKey(certificate.PublicKey.EncodedKeyValue.RawData, out _);
            return key;
        }
        catch
        {
            key.Dispose();
            throw;
        }
    }
}
