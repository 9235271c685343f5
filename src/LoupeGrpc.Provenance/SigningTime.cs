using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.Pkcs;
using System.Security.Cryptography.X509Certificates;

namespace LoupeGrpc.Provenance;

/// <summary>When a claim was signed, by a time stamp beside its signature (RFC 3161).</summary>
/// <param name="Time">Null: none says.</param>
/// <param name="Stamper">The first signed the stamp, the others came with it. Empty where the stamp does not hold. The caller's to dispose.</param>
internal sealed record SigningTime(DateTimeOffset? Time, CredentialsCheck Check, X509Certificate2Collection Stamper)
{
    private const int MostBytes = 128 << 10;

    public static SigningTime Read(ClaimSignature signature, ReadOnlySpan<byte> claim)
    {
        if (signature.Stamps.Count == 0)
        {
            return new SigningTime(null, CredentialsCheck.NotJudged("there is none"), []);
        }

        var (data, ofSignature) = signature.Stamps[0];
        try
        {
            if (data.Length > MostBytes || Decode(data) is not { } token)
            {
                return new SigningTime(null, CredentialsCheck.Fails("it cannot be read"), []);
            }

            var time = token.TokenInfo.Timestamp;
            if (!token.VerifySignatureForData(signature.StampedData(claim, ofSignature), out var stamper))
            {
                return new SigningTime(time, CredentialsCheck.Fails("it is of something else, or not what was stamped"), []);
            }

            var beside = token.AsSignedCms().Certificates;
            beside.Insert(0, stamper);
            return new SigningTime(time, CredentialsCheck.Holds, beside);
        }
        catch (Exception exception) when (exception is CryptographicException or AsnContentException)
        {
            return new SigningTime(null, CredentialsCheck.Fails("it cannot be read"), []);
        }
    }

    /// <summary>A token, or, as the first version has it, an authority's whole response around one.</summary>
    private static Rfc3161TimestampToken? Decode(ReadOnlyMemory<byte> data)
    {
        if (Rfc3161TimestampToken.TryDecode(data, out var token, out _))
        {
            return token;
        }

        var response = new AsnReader(data, AsnEncodingRules.DER).ReadSequence();
        response.ReadEncodedValue();
        return response.HasData && Rfc3161TimestampToken.TryDecode(response.ReadEncodedValue(), out token, out _) ? token : null;
    }
}
