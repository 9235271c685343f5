using LoupeGrpc.Packaging;

namespace LoupeGrpc.Modeling.Checkpoints.PyTorch;

// What a pickle is read into. Numbers are long or double, text is string, a tuple is object?[], a list is List<object?>;
// whatever no tensor needs is PickleOpaque.

/// <summary>A <c>dict</c> or <c>OrderedDict</c>. Entries whose key is no text are left out: no tensor has such a name.</summary>
internal sealed class PickleDict
{
    internal OrderedDictionary<string, object?> Entries { get; } = new(StringComparer.Ordinal);
}

/// <summary>A value that is known and of no use here: a set, a data type, bytes.</summary>
internal sealed class PickleOpaque
{
    internal static PickleOpaque Instance { get; } = new();
}

/// <summary>One of the names that a pickle may refer to.</summary>
/// <param name="Name">With its module, e.g. <c>torch._utils._rebuild_tensor_v2</c>.</param>
internal sealed record PickleGlobal(string Name, PickleGlobalKind Kind, ElementType? StorageType = null);

internal enum PickleGlobalKind
{
    /// <summary><c>_rebuild_tensor_v2(storage, offset, size, stride, …)</c>.</summary>
    RebuildTensor,

    /// <summary><c>_rebuild_parameter(tensor, …)</c>.</summary>
    RebuildParameter,

    /// <summary>A dict that begins empty.</summary>
    NewDict,

    /// <summary>The type of a storage; never called.</summary>
    Storage,

    /// <summary>Anything harmless whose result no tensor needs.</summary>
    Opaque,
}

/// <summary>The elements that one or several tensors are views of.</summary>
/// <param name="Key">Names the archive's entry <c>data/KEY</c>.</param>
/// <param name="Length">Number of elements.</param>
internal sealed record PickleStorage(string Key, ElementType ElementType, long Length);

/// <summary>A view of a storage.</summary>
/// <param name="Offset">Of its first element, in elements.</param>
/// <param name="Strides">In elements, one a dimension.</param>
internal sealed record PickleTensor(PickleStorage Storage, long Offset, IReadOnlyList<long> Shape, IReadOnlyList<long> Strides)
{
    /// <summary>Number of elements.</summary>
    internal long Length => Shape.Aggregate(1L, (product, side) => checked(product * side));
}
