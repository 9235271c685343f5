namespace LoupeGrpc.Server.Sessions.Keeping;

/// <summary>
/// Where records of sessions lie outside this server, each under its key, with the number of the claim on it: who claims a record gets the next number, and who has an
/// older one writes nothing any more. Thread-safe. Its methods throw <see cref="SessionStoreException"/> where the store is away or has something under a key that is no
/// record.
/// </summary>
internal interface ISessionStore
{
    /// <summary>As far as is known: without asking.</summary>
    bool IsUp { get; }

    /// <summary>Why it takes no records at all though it answers, as its last words were: it is full, or may not be written. Null: it takes them, as far as is known.</summary>
    string? Refusal { get; }

    /// <param name="fence">Number of the writer's claim.</param>
    /// <param name="life">How long it stays without being written or touched again.</param>
    Task<StoreHold> WriteAsync(string key, long fence, ReadOnlyMemory<byte> record, TimeSpan life);

    /// <summary>Lets it stay longer.</summary>
    Task<StoreHold> TouchAsync(string key, long fence, TimeSpan life);

    /// <summary>Null: there is none.</summary>
    Task<ReadOnlyMemory<byte>?> ReadAsync(string key);

    /// <summary>Takes it over from whoever has it. Null: there is none.</summary>
    Task<ClaimedRecord?> ClaimAsync(string key, TimeSpan life);

    /// <summary>Does nothing where somebody else has claimed it.</summary>
    Task RemoveAsync(string key, long fence);
}

/// <param name="Fence">Number of the claim.</param>
internal sealed record ClaimedRecord(long Fence, ReadOnlyMemory<byte> Record);

/// <summary>What a writer has of a record.</summary>
internal enum StoreHold
{
    /// <summary>It is the writer's.</summary>
    Held,

    /// <summary>There is none under the key.</summary>
    Missing,

    /// <summary>A later claim has it.</summary>
    FencedOut,
}

/// <summary>The store did not do what it was asked.</summary>
/// <param name="isAway">Nothing answers; otherwise what it has under the key is not ours.</param>
internal sealed class SessionStoreException(string message, bool isAway, Exception? inner = null) : Exception(message, inner)
{
    public bool IsAway => isAway;
}
