using LoupeGrpc.Packaging;

namespace LoupeGrpc.Modeling.Checkpoints;

/// <summary>A tensor under the name it has in its file.</summary>
internal sealed record StoredTensor(string Name, ElementType ElementType, IReadOnlyList<long> Shape)
{
    /// <summary>Number of elements.</summary>
    internal long Length => Shape.Aggregate(1L, (product, side) => product * side);
}

/// <summary>One file of weights, whatever its format, with its tensors as they are stored. Not thread-safe.</summary>
internal interface ITensorFile : IDisposable
{
    string Path { get; }

    /// <summary>For people, e.g. <c>safetensors</c>.</summary>
    string Format { get; }

    /// <summary>Bytes of the file.</summary>
    long Length { get; }

    /// <summary>The key under which the tensors stand in a larger file, e.g. <c>state_dict</c>; null where they are the whole.</summary>
    string? Wrapper { get; }

    /// <summary>In the order of the file.</summary>
    IReadOnlyList<StoredTensor> Tensors { get; }

    /// <summary>What the file says of itself beside the tensors.</summary>
    IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>As <see cref="ITensorSource.ReadFloats"/>.</summary>
    void ReadFloats(StoredTensor tensor, long start, Span<float> destination);
}
