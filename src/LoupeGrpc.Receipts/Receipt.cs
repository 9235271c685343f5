using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text.Json;

namespace LoupeGrpc.Receipts;

/// <summary>A statement in its envelope. Immutable.</summary>
internal sealed class Receipt
{
    /// <summary>Of an envelope: many times what this product writes.</summary>
    public const int MaxBytes = 64 << 10;

    private readonly ReceiptEnvelope _envelope;

    private Receipt(ReceiptEnvelope envelope, ReceiptStatement statement)
    {
        (_envelope, Statement) = (envelope, statement);
        StatementSha256 = Convert.ToHexStringLower(SHA256.HashData(envelope.Payload));
    }

    public ReceiptStatement Statement { get; }

    /// <summary>What the next receipt of the chain calls its previous one.</summary>
    public string StatementSha256 { get; }

    public bool IsEnd => Statement.PredicateType == ReceiptStatement.EndType;

    public ReceiptLink Link => Statement.Predicate.Chain;

    /// <summary>The picture's, and of a session's end that of the receipt before it.</summary>
    public string SubjectSha256 => Statement.Subject[0].Digest.Sha256;

    /// <returns>The envelope as bytes: one line of JSON.</returns>
    public static byte[] Write(ReceiptStatement statement, ReceiptSigningKey key, out string statementSha256)
    {
        var payload = JsonSerializer.SerializeToUtf8Bytes(statement, ReceiptJson.Default.ReceiptStatement);
        statementSha256 = Convert.ToHexStringLower(SHA256.HashData(payload));
        var signature = new ReceiptSignature(key.Sign(ReceiptEnvelope.Encode(ReceiptEnvelope.StatementPayload, payload)), key.PublicKey.Id);
        return JsonSerializer.SerializeToUtf8Bytes(new ReceiptEnvelope(payload, ReceiptEnvelope.StatementPayload, [signature]), ReceiptJson.Default.ReceiptEnvelope);
    }

    /// <param name="line">One envelope.</param>
    /// <param name="problem">Why it is none of ours, for people.</param>
    public static bool TryRead(ReadOnlySpan<byte> line, [NotNullWhen(true)] out Receipt? receipt, [NotNullWhen(false)] out string? problem)
    {
        receipt = null;
        try
        {
            if (line.Length > MaxBytes)
            {
                problem = $"has {line.Length} bytes: no receipt is that long";
                return false;
            }

            var envelope = JsonSerializer.Deserialize(line, ReceiptJson.Default.ReceiptEnvelope);
            if (envelope is not { PayloadType: ReceiptEnvelope.StatementPayload, Signatures.Count: > 0 } || envelope.Signatures.Contains(null!))
            {
                problem = $"is no signed in-toto statement: an envelope with payloadType {ReceiptEnvelope.StatementPayload} and a signature was expected";
                return false;
            }

            var statement = JsonSerializer.Deserialize(envelope.Payload, ReceiptJson.Default.ReceiptStatement);
            problem = statement is null ? "holds no statement" : ProblemOf(statement);
            receipt = problem is null ? new Receipt(envelope, statement!) : null;
            return receipt is not null;
        }
        catch (JsonException exception)
        {
            problem = $"is no receipt: {exception.Message}";
            return false;
        }
    }

    /// <summary>The key among these that has signed it; null: none of them.</summary>
    public ReceiptPublicKey? SignerAmong(IEnumerable<ReceiptPublicKey> keys)
    {
        var signed = ReceiptEnvelope.Encode(_envelope.PayloadType, _envelope.Payload);
        return keys.FirstOrDefault(key => _envelope.Signatures.Any(signature => key.Verifies(signed, signature.Sig)));
    }

    private static string? ProblemOf(ReceiptStatement statement)
    {
        var predicate = statement.Predicate;
        return statement.Type != ReceiptStatement.StatementType ? $"its statement is of type {statement.Type}, not {ReceiptStatement.StatementType}"
            : statement.Subject is not [{ } subject] ? $"it has {statement.Subject.Count} subjects; receipts have one"
            : !IsDigest(subject.Digest.Sha256) ? "its subject's digest is no SHA-256"
            : predicate.Chain.Previous is { } previous && !IsDigest(previous) ? "the digest of the receipt before it is no SHA-256"
            : (predicate.Chain.Index == 0) != predicate.Chain.Previous is null ? "only the first of a chain has none before it"
            : statement.PredicateType switch
            {
                ReceiptStatement.EndType => predicate is { End: not null, Session: not null } && predicate.Chain.Previous == subject.Digest.Sha256
                    ? null
                    : "it is of a session's end, and does not say what ended",
                ReceiptStatement.ResultType => predicate is { Picture: not null, Model: { } model, Execution: not null, Settings: not null, Result: not null, End: null }
                    && IsDigest(model.Sha256)
                    ? null
                    : "it is of a result, and parts of that are missing",
                _ => $"its predicate is of type {statement.PredicateType}, which this version does not know",
            };
    }

    private static bool IsDigest(string text) => text.Length == SHA256.HashSizeInBytes * 2 && text.All(static digit => char.IsAsciiHexDigitLower(digit) || char.IsAsciiDigit(digit));
}
