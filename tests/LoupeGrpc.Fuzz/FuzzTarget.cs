namespace LoupeGrpc.Fuzz;

/// <summary>A parser as the fuzzer drives it.</summary>
/// <param name="Name">Also of the folder with its corpus.</param>
/// <param name="Run">Feeds it one input. Returns, or throws one of <paramref name="Refusals"/>; anything else is a finding.</param>
/// <param name="Refusals">How the parser says no.</param>
internal sealed record FuzzTarget(string Name, Action<byte[]> Run, params IReadOnlyList<Type> Refusals)
{
    private const int DefaultMaxLength = 4096;
    private const long DefaultMaxAllocation = 64L << 20;

    /// <summary>The types whose reading of foreign bytes this covers.</summary>
    public required IReadOnlyList<Type> Parsers { get; init; }

    /// <summary>Words of the format, mixed into inputs.</summary>
    public IReadOnlyList<byte[]> Tokens { get; init; } = [];

    /// <summary>Makes a mutated input whole again where nothing but a checksum would be tested otherwise; null where there is none.</summary>
    public Action<byte[]>? Repair { get; init; }

    /// <summary>Bytes of an input.</summary>
    public int MaxLength { get; init; } = DefaultMaxLength;

    /// <summary>Managed bytes that one input may make the parser allocate.</summary>
    public long MaxAllocation { get; init; } = DefaultMaxAllocation;

    public bool IsRefusal(Exception exception) => Refusals.Any(type => type.IsInstanceOfType(exception));

    public override string ToString() => Name;
}
