using LoupeGrpc.Receipts;

namespace LoupeGrpc.UnitTests.Receipts;

/// <summary>Statements as a server makes them.</summary>
internal static class ReceiptExamples
{
    public const string Subject = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    public const string Model = "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc";
    public const float Score = 0.87654f;

    public static ReceiptStatement Result(ReceiptLink link, string? session = "s1", ulong sequence = 0) => new()
    {
        Subject = [new ReceiptSubject("the bytes received", new ReceiptDigest(Subject))],
        PredicateType = ReceiptStatement.ResultType,
        Predicate = new ReceiptPredicate
        {
            Chain = link,
            Session = session is null ? null : new ReceiptSession(session, "camera <1>", sequence, 7 + sequence),
            Time = new DateTimeOffset(2026, 11, 27, 12, 0, 0, TimeSpan.Zero),
            Server = "loupe-grpc-server/0.2.0",
            Picture = new ReceiptPicture("JPEG", 640, 480, 1, "OpenCV 4.13.0", Subject),
            Model = new ReceiptModel("nano", "1", Model, true),
            Execution = new ReceiptExecution("CPU", "fp32", "", "ONNX Runtime 1.31.0", false),
            Settings = new ReceiptSettings(0.4f, 0.6f, "WHEN_SUSPECTED", "OFF", 256, 0),
            Adaptation = new ReceiptAdaptation(3, Subject, false, new ReceiptLearning(5e-4, 1, 0.3f, 1, 0, new ReceiptGuard("ROLLBACK", 4, 16, MaxDrift: 0.1f, MaxLossRatio: 3))),
            Result = new ReceiptResult(Score, "MANIPULATED", ["SCALED"], [], new ReceiptMask(Subject, 1234)),
        },
    };

    public static ReceiptStatement End(ReceiptLink link, string session = "s1") => new()
    {
        Subject = [new ReceiptSubject("the last receipt of the session", new ReceiptDigest(link.Previous!))],
        PredicateType = ReceiptStatement.EndType,
        Predicate = new ReceiptPredicate
        {
            Chain = link,
            Session = new ReceiptSession(session, "camera <1>", 5, 0),
            Time = new DateTimeOffset(2026, 11, 27, 12, 0, 1, TimeSpan.Zero),
            Server = "loupe-grpc-server/0.2.0",
            End = new ReceiptEnd(5, 5),
        },
    };

    /// <summary>A session of results, and its end.</summary>
    public static List<Receipt> Chain(ReceiptSigningKey key, int results, string? session = "s1", bool ends = true, ReceiptChain? chain = null)
    {
        chain ??= ReceiptChain.Begin();
        List<Receipt> receipts = [];
        for (var index = 0; index < results; index++)
        {
            receipts.Add(Add(Result(chain.Next, session, (ulong)index)));
        }

        if (ends)
        {
            receipts.Add(Add(End(chain.Next, session!)));
        }

        return receipts;

        Receipt Add(ReceiptStatement statement)
        {
            var line = Receipt.Write(statement, key, out var digest);
            chain.Add(digest);
            return Receipt.TryRead(line, out var receipt, out var problem) ? receipt : throw new InvalidOperationException(problem);
        }
    }
}
