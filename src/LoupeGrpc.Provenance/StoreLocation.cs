namespace LoupeGrpc.Provenance;

/// <summary>The files that a manifest store is looked for in.</summary>
internal enum StoreContainer
{
    Jpeg,
    Png,
    WebP,
}

/// <summary>Where the first piece of a manifest store stands.</summary>
/// <param name="Start">Of its segment or chunk, header included.</param>
internal readonly record struct StoreLocation(StoreContainer Container, int Start);

/// <summary>Bytes of the file, from <paramref name="Start"/> to before <paramref name="End"/>.</summary>
internal readonly record struct FileRange(long Start, long End)
{
    public long Length => End - Start;
}

/// <summary>A manifest store as it lies in its file.</summary>
/// <param name="Content">The JUMBF superbox, whole.</param>
/// <param name="Places">What of the file is the store, its segments' or chunk's headers included: in order, apart.</param>
internal sealed record FoundStore(ReadOnlyMemory<byte> Content, IReadOnlyList<FileRange> Places);
