using LoupeGrpc.Packaging;
using LoupeGrpc.Receipts;
using LoupeGrpc.Server.Sessions.Frames;

namespace LoupeGrpc.Server.Sessions.Receipts;

/// <summary>The receipts of one session, in the order in which its results leave. Not thread-safe.</summary>
/// <param name="id">The server's name of the session.</param>
/// <param name="name">The client's.</param>
internal sealed class SessionReceipts(ReceiptWriter writer, string id, string name, ModelDescription model, ReceiptChain chain)
{
    private (ReceiptPlace Behind, byte[] Receipt)? _end;

    /// <summary>Where the next one goes.</summary>
    public ReceiptPlace Place => chain.Place;

    /// <summary>The same response, with its receipt where it is a result.</summary>
    public SessionResponse Sign(SessionResponse response) => response is FrameAnswer { End: FrameEnd.Analysed end } answer
        ? answer with { End = end with { Receipt = writer.Sign(end, model, new ReceiptSession(id, name, answer.Sequence, answer.FrameId), chain) } }
        : response;

    /// <summary>That no further one follows; the same until one does. Empty where there was none.</summary>
    public ReadOnlyMemory<byte> End(ulong frames, ulong results)
    {
        if (_end is { } made && made.Behind == chain.Place)
        {
            return made.Receipt;
        }

        if (chain.Place.Previous is null)
        {
            return default;
        }

        var receipt = writer.SignEnd(new ReceiptEnd(frames, results), new ReceiptSession(id, name, frames, 0), chain);
        _end = (chain.Place, receipt);
        return receipt;
    }
}
