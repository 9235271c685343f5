using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using NSec.Cryptography;

namespace LoupeGrpc.Receipts;

/// <summary>An Ed25519 key that signs receipts. Thread-safe.</summary>
internal sealed class ReceiptSigningKey : IDisposable
{
    private const string Label = "PRIVATE KEY";

    private readonly Key _key;

    private ReceiptSigningKey(Key key)
    {
        _key = key;
        PublicKey = new ReceiptPublicKey(key.PublicKey);
    }

    public ReceiptPublicKey PublicKey { get; }

    /// <summary>A new one.</summary>
    /// <param name="pem">PKCS #8 in PEM, as openssl writes it: a secret.</param>
    public static ReceiptSigningKey Create(out string pem)
    {
        var key = Key.Create(SignatureAlgorithm.Ed25519, new KeyCreationParameters { ExportPolicy = KeyExportPolicies.AllowPlaintextExport });
        pem = PemEncoding.WriteString(Label, key.Export(KeyBlobFormat.PkixPrivateKey)) + '\n';
        return new ReceiptSigningKey(key);
    }

    /// <param name="pem">PKCS #8 in PEM, not encrypted.</param>
    /// <returns>False: it holds no such key.</returns>
    public static bool TryRead(string pem, [NotNullWhen(true)] out ReceiptSigningKey? signing)
    {
        signing = Pem.TryRead(pem, Label, out var blob) && Key.TryImport(SignatureAlgorithm.Ed25519, blob, KeyBlobFormat.PkixPrivateKey, out var key) && key is not null
            ? new ReceiptSigningKey(key)
            : null;
        CryptographicOperations.ZeroMemory(blob);
        return signing is not null;
    }

    public byte[] Sign(ReadOnlySpan<byte> data) => SignatureAlgorithm.Ed25519.Sign(_key, data);

    public void Dispose() => _key.Dispose();
}
