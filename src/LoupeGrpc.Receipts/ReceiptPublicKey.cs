using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using NSec.Cryptography;

namespace LoupeGrpc.Receipts;

/// <summary>An Ed25519 key that tells whose receipts are. Immutable.</summary>
internal sealed class ReceiptPublicKey
{
    private const string Label = "PUBLIC KEY";

    private readonly PublicKey _key;
    private readonly byte[] _info;

    public ReceiptPublicKey(PublicKey key)
    {
        _key = key;
        _info = key.Export(KeyBlobFormat.PkixPublicKey);
        Id = Convert.ToHexStringLower(SHA256.HashData(_info));
    }

    /// <summary>SHA-256 of <see cref="Info"/>, hexadecimal.</summary>
    public string Id { get; }

    /// <summary>SubjectPublicKeyInfo, DER, 44 bytes.</summary>
    public ReadOnlyMemory<byte> Info => _info;

    public string ToPem() => PemEncoding.WriteString(Label, _info) + '\n';

    /// <param name="pem">SubjectPublicKeyInfo in PEM.</param>
    public static bool TryRead(string pem, [NotNullWhen(true)] out ReceiptPublicKey? key)
    {
        key = null;
        return Pem.TryRead(pem, Label, out var info) && TryRead(info, out key);
    }

    /// <param name="info">SubjectPublicKeyInfo, DER.</param>
    public static bool TryRead(ReadOnlySpan<byte> info, [NotNullWhen(true)] out ReceiptPublicKey? key)
    {
        key = PublicKey.TryImport(SignatureAlgorithm.Ed25519, info, KeyBlobFormat.PkixPublicKey, out var read) && read is not null ? new ReceiptPublicKey(read) : null;
        return key is not null;
    }

    public bool Verifies(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature) => SignatureAlgorithm.Ed25519.Verify(_key, data, signature);
}
