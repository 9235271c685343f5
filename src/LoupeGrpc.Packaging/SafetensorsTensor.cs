namespace LoupeGrpc.Packaging;

/// <summary>One tensor as the header of a safetensors file describes it.</summary>
/// <param name="Shape">Outermost first; empty for a scalar.</param>
public sealed record SafetensorsTensor(string Name, ElementType ElementType, IReadOnlyList<long> Shape)
{
    /// <summary>Number of elements.</summary>
    public long Length => Shape.Aggregate(1L, (product, side) => checked(product * side));

    /// <summary>Stored size.</summary>
    public long ByteLength => checked(Length * ElementType.SizeOf());

    /// <summary>Where the data begins, in bytes from the start of the file; 0 for a tensor yet to be written.</summary>
    public long Offset { get; init; }
}
