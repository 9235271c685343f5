using System.Security.Cryptography;

namespace LoupeGrpc.Receipts;

/// <summary>Where the next receipt of a session goes: the writer's end of its chain. Not thread-safe.</summary>
internal sealed class ReceiptChain
{
    private const int IdBytes = 16;

    private readonly ReceiptPlace? _follows;

    private ReceiptChain(string id, ulong next, string? previous, ReceiptPlace? follows)
    {
        (Place, _follows) = (new ReceiptPlace(id, next, previous), follows);
    }

    /// <summary>What another writer needs to go on.</summary>
    public ReceiptPlace Place { get; private set; }

    public static ReceiptChain Begin() => new(NewId(), 0, null, null);

    /// <summary>The next receipt is the one after.</summary>
    public static ReceiptChain GoOn(ReceiptPlace place) => new(place.Id, place.Next, place.Previous, null);

    /// <summary>Another chain, since there may be receipts behind the last one that is known.</summary>
    public static ReceiptChain BeginAfter(ReceiptPlace place) => new(NewId(), 0, null, place);

    /// <summary>Of the next receipt.</summary>
    public ReceiptLink Next => new(Place.Id, Place.Next, Place.Previous, Place.Next == 0 ? _follows : null);

    /// <summary>It is written.</summary>
    public void Add(string statementSha256) => Place = Place with { Next = Place.Next + 1, Previous = statementSha256 };

    private static string NewId() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(IdBytes));
}
