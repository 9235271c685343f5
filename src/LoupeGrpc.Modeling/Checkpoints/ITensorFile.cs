using LoupeGrpc.Packaging;

namespace LoupeGrpc.Modeling.Checkpoints;

/// <summary>A tensor under the name it has in its file.</summary>
internal sealed record StoredTensor(string Name, ElementType ElementType, IReadOnlyList<long> Shape)
{
    /// <summary>Number of elements.</summary>
    internal long Length => Shape.Aggregate(1L, (product, side) => product * side);
}

/// <summary>One file of weights, or the shards of one, whatever its format, with its tensors as they are stored. Not thread-safe.</summary>
internal interface ITensorFile : IDisposable
{
    /// <summary>As it was given; that of a file found in a folder goes on from the folder's.</summary>
    string Path { get; }

    /// <summary>For people, e.g. <c>safetensors</c>.</summary>
    string Format { get; }

    /// <summary>Bytes of the file.</summary>
    long Length { get; }

    /// <summary>The key under which the tensors stand in a larger file, e.g. <c>state_dict</c>; null where they are the whole.</summary>
    string? Wrapper { get; }

    /// <summary>In the order of the file.</summary>
    IReadOnlyList<StoredTensor> Tensors { get; }

    /// <summary>What there is instead of tensors, for the message about a file that holds none; null where nothing is.</summary>
    string? Contents => null;

    /// <summary>What the file says of itself beside the tensors.</summary>
    IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>The file that the tensor's elements are in: where there are shards, one of them.</summary>
    string SourceOf(StoredTensor tensor) => Path;

    /// <summary>As <see cref="ITensorSource.ReadFloats"/>.</summary>
    void ReadFloats(StoredTensor tensor, long start, Span<float> destination);
}
