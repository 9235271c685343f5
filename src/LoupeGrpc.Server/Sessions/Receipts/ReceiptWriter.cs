using LoupeGrpc.Engine.Providers;
using LoupeGrpc.Packaging;
using LoupeGrpc.Receipts;
using LoupeGrpc.Server.Sessions.Frames;
using LoupeGrpc.Server.Sessions.Keeping;

namespace LoupeGrpc.Server.Sessions.Receipts;

/// <summary>Signs receipts with the server's key, where it has one. Thread-safe.</summary>
/// <param name="key">Null: none are signed. The container's.</param>
internal sealed class ReceiptWriter(ReceiptSigningKey? key, TimeProvider time)
{
    private static readonly Lazy<string> Runtime = new(static () => $"ONNX Runtime {ProviderTrial.RuntimeVersion}");

    /// <summary>Why there are none, where there are none.</summary>
    public const string NoKey = "this server signs no receipts: it has no key (Loupe:Receipts:Key, a file of loupe-grpc-server key sign)";

    public static MissingFeature NotHere { get; } = new("receipts", NoKey);

    /// <summary>What receipts are checked with; null: none are signed.</summary>
    public ReceiptPublicKey? PublicKey => key?.PublicKey;

    /// <summary>For a session; null where it asks for none, or there is no key.</summary>
    /// <param name="id">The server's name of the session.</param>
    /// <param name="model">On which it is.</param>
    /// <param name="stored">What another server left of it; null: it begins here.</param>
    public SessionReceipts? Open(SessionOpening opening, string id, ModelDescription model, StoredSession? stored) =>
        key is not null && opening.Analysis.Receipts ? new SessionReceipts(this, id, opening.Name, model, ChainOf(stored)) : null;

    /// <summary>Of a single picture: a chain of one.</summary>
    public FrameEnd.Analysed Sign(FrameEnd.Analysed end, ModelDescription model) =>
        key is not null && end.Settings.Receipts ? end with { Receipt = Sign(end, model, session: null, ReceiptChain.Begin()) } : end;

    public byte[] Sign(FrameEnd.Analysed end, ModelDescription model, ReceiptSession? session, ReceiptChain chain) =>
        Sign(ResultReceipt.Of(end, model, Runtime.Value, new ReceiptPredicate { Chain = chain.Next, Session = session, Time = time.GetUtcNow(), Server = ProductVersion.Name }), chain);

    /// <summary>Behind the last of a chain.</summary>
    public byte[] SignEnd(ReceiptEnd end, ReceiptSession session, ReceiptChain chain)
    {
        var last = chain.Next;
        return Sign(
            new ReceiptStatement
            {
                Subject = [new ReceiptSubject("the last receipt of the session", new ReceiptDigest(last.Previous!))],
                PredicateType = ReceiptStatement.EndType,
                Predicate = new ReceiptPredicate { Chain = last, Session = session, Time = time.GetUtcNow(), Server = ProductVersion.Name, End = end },
            },
            chain);
    }

    private static ReceiptChain ChainOf(StoredSession? stored) => stored?.Record.Facts.Receipts is not { } place
        ? ReceiptChain.Begin()
        // The lost server may have signed more than the record knows, and the client has it.
        : stored.IsBehind ? ReceiptChain.BeginAfter(place) : ReceiptChain.GoOn(place);

    private byte[] Sign(ReceiptStatement statement, ReceiptChain chain)
    {
        var receipt = Receipt.Write(statement, key!, out var digest);
        chain.Add(digest);
        return receipt;
    }
}
