using System.Formats.Cbor;
using System.Security.Cryptography;
using System.Security.Cryptography.Cose;
using System.Security.Cryptography.X509Certificates;

namespace LoupeGrpc.Provenance;

/// <summary>The COSE_Sign1 of a claim (RFC 9052), whose payload is the claim beside it, with the signer's certificates in its headers (RFC 9360).</summary>
internal sealed class ClaimSignature
{
    private const int X5Chain = 33;
    private const int MostCertificates = 16;
    private const int MostCertificateBytes = 32 << 10;
    private const int LeastRsaBits = 2048;

    private static readonly Dictionary<long, string> Names = new()
    {
        [-7] = "ES256",
        [-35] = "ES384",
        [-36] = "ES512",
        [-37] = "PS256",
        [-38] = "PS384",
        [-39] = "PS512",
        [-8] = "EdDSA",
    };

    private readonly CoseSign1Message _message;
    private readonly long _algorithm;

    private ClaimSignature(CoseSign1Message message, long algorithm, IReadOnlyList<ReadOnlyMemory<byte>> certificates, IReadOnlyList<(ReadOnlyMemory<byte> Token, bool OfSignature)> stamps)
    {
        _message = message;
        _algorithm = algorithm;
        Certificates = certificates;
        Stamps = stamps;
    }

    /// <summary>DER, the signer's first; at least one.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Certificates { get; }

    /// <summary>Time stamps (RFC 3161), and whether each is of the signature (version 2) or of the claim (version 1).</summary>
    public IReadOnlyList<(ReadOnlyMemory<byte> Token, bool OfSignature)> Stamps { get; }

    public string Algorithm => Names.GetValueOrDefault(_algorithm) ?? _algorithm.ToString(System.Globalization.CultureInfo.InvariantCulture);

    /// <exception cref="CredentialsException"/>
    public static ClaimSignature Read(ReadOnlyMemory<byte> data)
    {
        try
        {
            var message = CoseMessage.DecodeSign1(data.Span);
            if (message.Content is not null)
            {
                throw new CredentialsException("the signature brings a claim of its own");
            }

            var algorithm = message.ProtectedHeaders.TryGetValue(CoseHeaderLabel.Algorithm, out var value)
                ? new CborReader(value.EncodedValue).ReadInt64()
                : throw new CredentialsException("the signature names no algorithm");
            return new ClaimSignature(message, algorithm, ReadCertificates(message), ReadStamps(message));
        }
        catch (Exception exception) when (exception is CryptographicException or CborContentException or InvalidOperationException or OverflowException)
        {
            throw new CredentialsException("the signature is not valid COSE");
        }
    }

    /// <summary>What a time stamp has to be of.</summary>
    public byte[] StampedData(ReadOnlySpan<byte> claim, bool ofSignature)
    {
        if (!ofSignature)
        {
            return Structure("CounterSignature", claim);
        }

        var signature = new CborWriter();
        signature.WriteByteString(_message.Signature.Span);
        return Structure("CounterSignature", signature.Encode());
    }

    public CredentialsCheck Verify(ReadOnlySpan<byte> claim, X509Certificate2 signer)
    {
        if (!Names.ContainsKey(_algorithm))
        {
            return CredentialsCheck.NotJudged($"a signature of a kind that is not known here: COSE algorithm {Algorithm}");
        }

        try
        {
            bool? isValid = _algorithm switch
            {
                -8 => VerifyEd25519(claim, signer),
                <= -37 and >= -39 => VerifyRsa(claim, signer),
                _ => VerifyEcdsa(claim, signer),
            };
            return isValid switch
            {
                true => CredentialsCheck.Holds,
                false => CredentialsCheck.Fails("the claim is not what was signed with this certificate's key"),
                null => CredentialsCheck.NotJudged($"the certificate's key does not go with {Algorithm}, or is of a kind or size that is not known here"),
            };
        }
        catch (CryptographicException)
        {
            return CredentialsCheck.NotJudged("the certificate's key cannot be used");
        }
    }

    private bool? VerifyEcdsa(ReadOnlySpan<byte> claim, X509Certificate2 signer)
    {
        using var key = signer.GetECDsaPublicKey();
        return key is null ? null : _message.VerifyDetached(key, claim);
    }

    private bool? VerifyRsa(ReadOnlySpan<byte> claim, X509Certificate2 signer)
    {
        if (signer.PublicKey.Oid.Value is not (CertificateKey.Rsa or CertificateKey.RsaPss))
        {
            return null;
        }

        using var key = CertificateKey.ImportRsa(signer);
        return key.KeySize is >= LeastRsaBits and <= CertificateKey.MostRsaBits ? _message.VerifyDetached(key, claim) : null;
    }

    private bool? VerifyEd25519(ReadOnlySpan<byte> claim, X509Certificate2 signer) => signer.PublicKey.Oid.Value == CertificateKey.Ed25519
        ? CertificateKey.VerifyEd25519(signer, Structure("Signature1", claim), _message.Signature.Span)
        : null;

    /// <summary>Sig_structure of RFC 9052.</summary>
    private byte[] Structure(string context, ReadOnlySpan<byte> payload)
    {
        var writer = new CborWriter();
        writer.WriteStartArray(4);
        writer.WriteTextString(context);
        writer.WriteByteString(_message.RawProtectedHeaders.Span);
        writer.WriteByteString([]);
        writer.WriteByteString(payload);
        writer.WriteEndArray();
        return writer.Encode();
    }

    /// <summary>One certificate, or a list of them; earlier versions have it by its name, and not protected.</summary>
    private static List<ReadOnlyMemory<byte>> ReadCertificates(CoseSign1Message message)
    {
        foreach (var headers in (CoseHeaderMap[])[message.ProtectedHeaders, message.UnprotectedHeaders])
        {
            foreach (var label in (CoseHeaderLabel[])[new CoseHeaderLabel(X5Chain), new CoseHeaderLabel("x5chain")])
            {
                if (headers.TryGetValue(label, out var value))
                {
                    var chain = CborNode.Read(value.EncodedValue, "the list of certificates");
                    var certificates = chain.Bytes is { } one ? [one] : (chain.Items ?? []).Select(static item => item.Bytes).OfType<ReadOnlyMemory<byte>>().ToList();
                    return certificates.Count is > 0 and <= MostCertificates && certificates.TrueForAll(static certificate => certificate.Length <= MostCertificateBytes)
                        ? certificates
                        : throw new CredentialsException("the signature has no certificate, or too many or too large ones");
                }
            }
        }

        throw new CredentialsException("the signature has no certificate");
    }

    private static List<(ReadOnlyMemory<byte> Token, bool OfSignature)> ReadStamps(CoseSign1Message message)
    {
        List<(ReadOnlyMemory<byte> Token, bool OfSignature)> stamps = [];
        foreach (var (name, ofSignature) in ((string, bool)[])[("sigTst2", true), ("sigTst", false)])
        {
            if (message.UnprotectedHeaders.TryGetValue(new CoseHeaderLabel(name), out var value))
            {
                var list = CborNode.Read(value.EncodedValue, "the time stamp")["tstTokens"]?.Items ?? [];
                stamps.AddRange(list.Take(1).Select(static item => item["val"]?.Bytes).OfType<ReadOnlyMemory<byte>>().Select(token => (token, ofSignature)));
            }
        }

        return stamps;
    }
}
