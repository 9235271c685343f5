namespace LoupeGrpc.Receipts;

/// <summary>Whether the receipts of a chain are all there and follow each other, in whatever order they were read.</summary>
internal static class ChainCheck
{
    /// <summary>What is wrong with chains; nothing for those that are whole.</summary>
    public static IEnumerable<ChainFinding> Examine(IEnumerable<Receipt> receipts) =>
        receipts.GroupBy(static receipt => receipt.Link.Id, StringComparer.Ordinal).SelectMany(static chain => Examine(chain.Key, [.. chain.OrderBy(static receipt => receipt.Link.Index)]));

    private static IEnumerable<ChainFinding> Examine(string id, IReadOnlyList<Receipt> chain)
    {
        var session = chain[0].Statement.Predicate.Session;
        var next = 0ul;
        Receipt? before = null;
        foreach (var receipt in chain)
        {
            var index = receipt.Link.Index;
            if (receipt.Statement.Predicate.Session?.Id != session?.Id)
            {
                yield return Broken($"receipt {index} is of {Name(receipt.Statement.Predicate.Session)}, the first of {Name(session)}");
            }

            if (before is not null && index == before.Link.Index)
            {
                if (receipt.StatementSha256 != before.StatementSha256)
                {
                    yield return Broken($"there are two receipts {index}, and they say different things");
                }

                continue;
            }

            if (index > next)
            {
                yield return Broken(index - next == 1 ? $"receipt {next} is missing" : $"receipts {next} to {index - 1} are missing");
            }
            else if (before is not null && receipt.Link.Previous != before.StatementSha256)
            {
                yield return Broken($"receipt {index} does not follow receipt {before.Link.Index}: it names another");
            }

            (before, next) = (receipt, index + 1);
        }

        if (session is not null && !before!.IsEnd)
        {
            yield return new ChainFinding(id, session, IsBroken: false, $"it has no end: receipts behind number {before.Link.Index} may be missing");
        }

        ChainFinding Broken(string message) => new(id, session, IsBroken: true, message);
    }

    private static string Name(ReceiptSession? session) => session is null ? "no session" : $"session {session.Id}";
}

/// <summary>Something about a chain as a whole.</summary>
/// <param name="Session">Null: of a single picture.</param>
/// <param name="IsBroken">Something was taken out, put in or changed; false: that cannot be told.</param>
/// <param name="Message">For people.</param>
internal sealed record ChainFinding(string Id, ReceiptSession? Session, bool IsBroken, string Message);
