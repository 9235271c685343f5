using System.Globalization;
using System.Text;

namespace LoupeGrpc.Receipts;

/// <summary>A signed statement as it travels: a DSSE envelope (https://github.com/secure-systems-lab/dsse), one JSON object.</summary>
/// <param name="Payload">The statement's bytes.</param>
/// <param name="Signatures">Of <see cref="Encode"/>. Written with one; read with any number, of which one must hold.</param>
internal sealed record ReceiptEnvelope(byte[] Payload, string PayloadType, IReadOnlyList<ReceiptSignature> Signatures)
{
    public const string StatementPayload = "application/vnd.in-toto+json";

    /// <summary>What is signed: DSSE's pre-authentication encoding, "DSSEv1", then type and payload, each behind its length.</summary>
    public static byte[] Encode(string payloadType, ReadOnlySpan<byte> payload)
    {
        var header = string.Create(CultureInfo.InvariantCulture, $"DSSEv1 {Encoding.UTF8.GetByteCount(payloadType)} {payloadType} {payload.Length} ");
        return [.. Encoding.UTF8.GetBytes(header), .. payload];
    }
}

/// <param name="Keyid">A hint at the key: <see cref="ReceiptPublicKey.Id"/>. Nothing follows from it.</param>
internal sealed record ReceiptSignature(byte[] Sig, string? Keyid = null);
