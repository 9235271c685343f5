using System.Text;
using System.Text.Json;
using Google.Protobuf;
using LoupeGrpc.Client;
using LoupeGrpc.Client.Cli.Artifacts;
using LoupeGrpc.Client.Cli.Evaluating;
using LoupeGrpc.Client.Cli.Events;
using LoupeGrpc.Client.Cli.Inputs;
using LoupeGrpc.Client.Cli.Output;
using LoupeGrpc.Client.Cli.Verifying;
using LoupeGrpc.Client.Internal;
using LoupeGrpc.Receipts;
using LoupeGrpc.Results;
using LoupeGrpc.V1;

namespace LoupeGrpc.Fuzz.Targets;

/// <summary>What the client reads: a server's messages, lists of paths, its own results of an earlier run.</summary>
internal static class ClientTargets
{
    private const int Frames = 4;

    /// <summary>A mask takes a byte a pixel, as it has to; larger ones only take longer.</summary>
    private const long MaxPixels = 1 << 20;

    private static readonly ScratchFile _outbox = new("input.outbox");

    private static readonly SourceItem _item = UnreadableItem.Create("a/b.png", LoupeFailureCode.Internal, string.Empty);

    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        new("client-response", static input => Receive(AnalyzeResponse.Parser.ParseFrom(input)), typeof(InvalidProtocolBufferException), typeof(InvalidDataException))
        {
            Parsers = [typeof(OutcomeLedger), typeof(RpcErrors), typeof(ResultMask), typeof(OutcomeLine)],
            Tokens = [[0x12, 0], [0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], [0x0D, 0, 0, 0xC0, 0x7F], [0x0D, 0, 0, 0x80, 0x7F], [0x10, 0xFF, 0xFF, 0xFF, 0xFF, 0x07]],
        },
        new("path-list", static input => Read(input)) { Parsers = [typeof(PathList)], Tokens = [[0], [10], [13, 10], [0xFF, 0xFE], [0xED, 0xA0, 0x80]] },
        new("done-line", static input => Read(JsonLinesWriter.Read(input)), typeof(JsonException))
        {
            Parsers = [typeof(JsonLinesWriter)],
            Tokens = [.. new[] { "\"done\":{", "\"file\":", "\"size\":", "\"modified\":\"2026-01-01T00:00:00Z\"", "\"verdict\":", "\"NaN\"", "null", "\\ud800", "1e999" }.Select(Encoding.UTF8.GetBytes)],
        },
        new("outbox", ReadOutbox)
        {
            Parsers = [typeof(OutboxLine)],
            Tokens = [.. new[] { "{\"specversion\":\"1.0\",\"id\":\"a\"}\n", "{\"done\":\"a\"}\n", "{\"loupe_outbox\":1}\n", "\"data\":{", "\\ud800", "\\n", "1e999" }.Select(Encoding.UTF8.GetBytes), [0], [0xFF, 0xFE], [10]],
        },
        new("truth-list", static input => TruthList.Parse(input, "folder"), typeof(InvalidDataException))
        {
            Parsers = [typeof(TruthList), typeof(CsvRows)],
            Tokens = [.. new[] { "path,label,mask\n", "\"", "\"\"", "\r\n", ",1,", ",0," }.Select(Encoding.UTF8.GetBytes), [0], [0xEF, 0xBB, 0xBF], [0xFF, 0xFE]],
        },
        new("predictions", static input => Judge(Predictions.Parse(input, "/nowhere")), typeof(InvalidDataException))
        {
            Parsers = [typeof(Predictions)],
            Tokens = [.. new[] { "path,score,mask\n", "{\"path\":\"a/b.png\",\"score\":", "\"mask\":{\"size\":[2,2],\"counts\":\"", "NaN", "1e999", "\\ud800" }.Select(Encoding.UTF8.GetBytes), [0], [0xFF, 0xFE]],
        },
        new("receipt", Verify)
        {
            Parsers = [typeof(Receipt)],
            Tokens = [.. new[] { "\"predicateType\":\"", "\"index\":", "\"previous\":\"", "\"sha256\":\"", "\"end\":{", "null", "\"NaN\"", "1e999", "\\ud800" }.Select(Encoding.UTF8.GetBytes)],
        },
        new("receipt-key", static input => ReadKey(Encoding.Latin1.GetString(input)))
        {
            Parsers = [typeof(ReceiptPublicKey), typeof(ReceiptSigningKey), typeof(Pem)],
            Tokens = [.. new[] { "-----BEGIN PUBLIC KEY-----\n", "\n-----END PUBLIC KEY-----", "-----BEGIN PRIVATE KEY-----\n", "MCowBQYDK2VwAyEA" }.Select(Encoding.UTF8.GetBytes)],
        },
    ];

    /// <summary>As a line, and as what is in one.</summary>
    private static void Verify(byte[] input)
    {
        var envelope = JsonSerializer.SerializeToUtf8Bytes(
            new ReceiptEnvelope(input, ReceiptEnvelope.StatementPayload, [new ReceiptSignature(new byte[64])]), ReceiptJson.Default.ReceiptEnvelope);
        foreach (var line in (byte[][])[input, envelope])
        {
            if (Receipt.TryRead(line, out var receipt, out _))
            {
                var one = new CheckedReceipt("receipts.jsonl", 1, receipt);
                _ = VerificationText.Line(one) + VerificationText.Json(one) + ChainCheck.Examine([receipt, receipt]).Count();
            }
        }
    }

    private static void ReadKey(string pem)
    {
        if (ReceiptPublicKey.TryRead(pem, out var key) && !ReceiptPublicKey.TryRead(key.ToPem(), out _))
        {
            throw new InvalidOperationException("A key that was read cannot be written.");
        }

        if (ReceiptSigningKey.TryRead(pem, out var signing))
        {
            signing.Dispose();
        }
    }

    /// <summary>Of a picture that they may speak of.</summary>
    private static void Judge(Predictions predictions)
    {
        var judged = predictions.Judge([new TruthCase("a/b.png", IsForged: false, Mask: null, new Dictionary<string, string>())]);
        if (judged.Pictures.Count + judged.Failures.Count != 1 || judged.Pictures.Any(static picture => !double.IsFinite(picture.Score)))
        {
            throw new InvalidOperationException("The picture is neither judged nor failed.");
        }
    }

    private static void Receive(AnalyzeResponse response)
    {
        if (response.PayloadCase != AnalyzeResponse.PayloadOneofCase.Outcome)
        {
            return;
        }

        var ledger = new OutcomeLedger(ordered: true);
        for (var i = 0; i < Frames; i++)
        {
            ledger.TryEnter((ulong)i, out _);
        }

        ledger.TrySettle(response.Outcome);
        ledger.Close(LoupeFailureCode.ConnectionLost, "closed");
        var outcomes = 0;
        for (; ledger.Outcomes.TryRead(out var outcome); outcomes++)
        {
            Show(outcome);
        }

        if (outcomes != Frames)
        {
            throw new InvalidOperationException($"{outcomes} of {Frames} frames have an outcome.");
        }
    }

    private static void Show(LoupeOutcome outcome)
    {
        var row = new OutcomeRow(_item, 0, outcome, null);
        new JsonLinesWriter(Stream.Null).Write(row);
        using (var csv = new CsvOutcomeWriter(Stream.Null))
        {
            csv.Write(row);
        }

        new TableWriter(TextWriter.Null, terminal: null, withTime: true).Write(row);
        if (outcome is LoupeResult { Result: var result } && (long)result.Width * result.Height <= MaxPixels)
        {
            ResultMask.Of(result);
        }
    }

    private static void Read(byte[] input)
    {
        foreach (var isNull in (bool[])[false, true])
        {
            PathList.Parse(input, isNull);
        }
    }

    private static void Read(OutcomeLine? line)
    {
        if (line?.Verdict is { } verdict)
        {
            WireName.Parse<Verdict>(verdict);
        }
    }

    /// <summary>Behind its first line, by which anything else is refused.</summary>
    private static void ReadOutbox(byte[] input)
    {
        using var outbox = Outbox.Open(_outbox.Write([.. OutboxLine.Header, (byte)'\n', .. input]), Outbox.MaxEventBytes);
        while (outbox.Peek() is { } next)
        {
            if (OutboxLine.Parse(next.Json.Span) != new OutboxLine(OutboxLineKind.Event, next.Event.Id))
            {
                throw new InvalidOperationException("What waits is no event.");
            }

            outbox.Remove(next.Event);
        }
    }
}
