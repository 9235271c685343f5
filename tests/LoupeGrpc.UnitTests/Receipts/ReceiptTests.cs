using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using LoupeGrpc.Receipts;
using Xunit;

namespace LoupeGrpc.UnitTests.Receipts;

/// <summary>Receipts as they are written, read, and tampered with.</summary>
public sealed class ReceiptTests : IDisposable
{
    private readonly ReceiptSigningKey _key = ReceiptSigningKey.Create(out _);

    public void Dispose() => _key.Dispose();

    [Fact]
    public void A_receipt_is_read_as_it_was_written()
    {
        var statement = ReceiptExamples.Result(ReceiptChain.Begin().Next);
        var line = Receipt.Write(statement, _key, out var digest);
        Assert.True(Receipt.TryRead(line, out var receipt, out var problem), problem);

        Assert.Equal(digest, receipt.StatementSha256);
        Assert.DoesNotContain((byte)'\n', line);
        Assert.Equal(JsonSerializer.Serialize(statement, ReceiptJson.Default.ReceiptStatement), JsonSerializer.Serialize(receipt.Statement, ReceiptJson.Default.ReceiptStatement));
        Assert.Same(_key.PublicKey, receipt.SignerAmong([_key.PublicKey]));
        // To the last bit.
        Assert.Equal(ReceiptExamples.Score, receipt.Statement.Predicate.Result!.Score);
    }

    [Fact]
    public void What_is_signed_is_what_DSSE_says()
    {
        // The protocol's own example.
        Assert.Equal(
            "DSSEv1 29 http://example.com/HelloWorld 11 hello world", Encoding.UTF8.GetString(ReceiptEnvelope.Encode("http://example.com/HelloWorld", "hello world"u8)));
    }

    /// <summary>In each way the receipt is refused, or the signature does not hold.</summary>
    [Theory]
    [InlineData("score")]
    [InlineData("verdict")]
    [InlineData("subject")]
    [InlineData("model")]
    [InlineData("index")]
    [InlineData("space")]
    [InlineData("signature")]
    [InlineData("signature taken from another")]
    [InlineData("signature left out")]
    [InlineData("payload type")]
    [InlineData("cut")]
    [InlineData("base64")]
    public void What_was_tampered_with_does_not_hold(string way)
    {
        var chain = ReceiptChain.Begin();
        var line = Receipt.Write(ReceiptExamples.Result(chain.Next), _key, out var digest);
        chain.Add(digest);
        var other = JsonNode.Parse(Receipt.Write(ReceiptExamples.Result(chain.Next), _key, out _))!;
        var envelope = JsonNode.Parse(line)!;
        switch (way)
        {
            case "score": Change(envelope, "\"score\":0.87654", "\"score\":0.17654"); break;
            case "verdict": Change(envelope, "MANIPULATED", "AUTHENTIC"); break;
            case "subject": Change(envelope, ReceiptExamples.Subject, ReceiptExamples.Subject.Replace('a', 'b')); break;
            case "model": Change(envelope, ReceiptExamples.Model, ReceiptExamples.Model.Replace('c', 'd')); break;
            case "index": Change(envelope, "\"index\":0", "\"index\":1"); break;
            case "space": Change(envelope, "{\"_type\"", "{ \"_type\""); break;
            case "signature": FlipSignature(envelope); break;
            case "signature taken from another": envelope["signatures"] = other["signatures"]!.DeepClone(); break;
            case "signature left out": envelope["signatures"] = new JsonArray(); break;
            case "payload type": envelope["payloadType"] = "application/json"; break;
            case "cut": line = line[..^7]; break;
            case "base64": envelope["payload"] = "***"; break;
            default: throw new UnreachableException(way);
        }

        var changed = way == "cut" ? line : Encoding.UTF8.GetBytes(envelope.ToJsonString());
        var isRead = Receipt.TryRead(changed, out var receipt, out var problem);
        Assert.True(isRead ? receipt!.SignerAmong([_key.PublicKey]) is null : problem!.Length > 10, $"{way}: {problem}");
    }

    [Fact]
    public void A_key_hint_that_lies_changes_nothing()
    {
        var envelope = JsonNode.Parse(Receipt.Write(ReceiptExamples.Result(ReceiptChain.Begin().Next), _key, out _))!;
        envelope["signatures"]![0]!["keyid"] = "somebody else";
        Assert.True(Receipt.TryRead(Encoding.UTF8.GetBytes(envelope.ToJsonString()), out var receipt, out _));
        using var stranger = ReceiptSigningKey.Create(out _);

        Assert.Same(_key.PublicKey, receipt.SignerAmong([stranger.PublicKey, _key.PublicKey]));
        Assert.Null(receipt.SignerAmong([stranger.PublicKey]));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("not json")]
    [InlineData("")]
    [InlineData("{\"payload\":\"e30=\",\"payloadType\":\"application/vnd.in-toto+json\",\"signatures\":[null]}")]
    [InlineData("{\"payload\":\"e30=\",\"payloadType\":\"application/vnd.in-toto+json\",\"signatures\":[{\"sig\":\"\"}]}")]
    [InlineData("{\"payload\":\"bnVsbA==\",\"payloadType\":\"application/vnd.in-toto+json\",\"signatures\":[{\"sig\":\"AAAA\"}]}")]
    [InlineData("{\"payload\":\"e30=\",\"payload\":\"e30=\",\"payloadType\":\"application/vnd.in-toto+json\",\"signatures\":[{\"sig\":\"\"}]}")]
    public void What_is_no_receipt_is_refused_with_a_reason(string line)
    {
        Assert.False(Receipt.TryRead(Encoding.UTF8.GetBytes(line), out _, out var problem));
        Assert.NotEmpty(problem);
    }

    /// <summary>Its parts are unlike in every way that is checked.</summary>
    [Theory]
    [InlineData("\"predicateType\":\"urn:loupe-grpc:receipt:result:v1\"", "\"predicateType\":\"urn:loupe-grpc:receipt:result:v2\"")]
    [InlineData("\"predicateType\":\"urn:loupe-grpc:receipt:result:v1\"", "\"predicateType\":\"urn:loupe-grpc:receipt:session-end:v1\"")]
    [InlineData("https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1")]
    [InlineData("\"index\":0", "\"index\":3")]
    [InlineData("\"result\":", "\"resulting\":")]
    [InlineData(ReceiptExamples.Subject, "abc")]
    [InlineData(ReceiptExamples.Model, "abc")]
    public void A_statement_that_makes_no_sense_is_refused_although_it_is_signed(string from, string to)
    {
        var text = JsonSerializer.Serialize(ReceiptExamples.Result(ReceiptChain.Begin().Next), ReceiptJson.Default.ReceiptStatement);
        Assert.Contains(from, text, StringComparison.Ordinal);
        var payload = Encoding.UTF8.GetBytes(text.Replace(from, to, StringComparison.Ordinal));
        var signature = new ReceiptSignature(_key.Sign(ReceiptEnvelope.Encode(ReceiptEnvelope.StatementPayload, payload)));
        var line = JsonSerializer.SerializeToUtf8Bytes(new ReceiptEnvelope(payload, ReceiptEnvelope.StatementPayload, [signature]), ReceiptJson.Default.ReceiptEnvelope);

        Assert.False(Receipt.TryRead(line, out _, out var problem));
        Assert.NotEmpty(problem);
    }

    [Fact]
    public void Keys_survive_their_files()
    {
        using var key = ReceiptSigningKey.Create(out var pem);
        Assert.True(ReceiptSigningKey.TryRead($"a remark\r\n{pem.ReplaceLineEndings("\r\n")}", out var read));
        using (read)
        {
            var signature = read.Sign("data"u8);
            Assert.Equal(key.PublicKey.Id, read.PublicKey.Id);
            Assert.True(ReceiptPublicKey.TryRead(key.PublicKey.ToPem(), out var open));
            Assert.True(open.Verifies("data"u8, signature));
            Assert.False(open.Verifies("date"u8, signature));
            Assert.False(open.Verifies("data"u8, signature.AsSpan(1)));
            Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(open.Info.Span)), open.Id);
        }

        using var curve = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Assert.False(ReceiptSigningKey.TryRead(curve.ExportPkcs8PrivateKeyPem(), out _));
        Assert.False(ReceiptSigningKey.TryRead(key.PublicKey.ToPem(), out _));
        Assert.False(ReceiptSigningKey.TryRead(pem[..^40], out _));
        Assert.False(ReceiptPublicKey.TryRead(pem, out _));
        Assert.False(ReceiptPublicKey.TryRead(curve.ExportSubjectPublicKeyInfoPem(), out _));
    }

    private static void FlipSignature(JsonNode envelope)
    {
        var signature = Convert.FromBase64String((string)envelope["signatures"]![0]!["sig"]!);
        signature[10] ^= 1;
        envelope["signatures"]![0]!["sig"] = Convert.ToBase64String(signature);
    }

    private static void Change(JsonNode envelope, string from, string to)
    {
        var text = Encoding.UTF8.GetString(Convert.FromBase64String((string)envelope["payload"]!));
        Assert.Contains(from, text, StringComparison.Ordinal);
        envelope["payload"] = Convert.ToBase64String(Encoding.UTF8.GetBytes(text.Replace(from, to, StringComparison.Ordinal)));
    }
}
