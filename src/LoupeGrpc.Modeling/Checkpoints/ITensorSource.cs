using System.Diagnostics.CodeAnalysis;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Modeling.Checkpoints;

/// <summary>A tensor that a checkpoint holds.</summary>
/// <param name="Name">Bare name, e.g. <c>backbone.conv1.weight</c>: prefixes such as <c>loupe.</c> or <c>module.</c> are gone.</param>
/// <param name="ElementType">As stored; reading converts to fp32.</param>
/// <param name="Shape">Outermost first; empty for a scalar.</param>
/// <param name="Source">The file it comes from, for messages.</param>
public sealed record TensorInfo(string Name, ElementType ElementType, IReadOnlyList<long> Shape, string Source)
{
    /// <summary>Number of elements.</summary>
    public long Length => Shape.Aggregate(1L, (product, side) => product * side);
}

/// <summary>Where the graph builder takes weights from. Not thread-safe.</summary>
public interface ITensorSource
{
    /// <summary>Every tensor, by bare name.</summary>
    IEnumerable<TensorInfo> Tensors { get; }

    /// <summary>What each file gives to a model that asks for tensors of these names; empty for a source that is not made of files.</summary>
    IReadOnlyList<WeightsUse> UseFor(IReadOnlySet<string> names) => [];

    bool TryGet(string name, [NotNullWhen(true)] out TensorInfo? tensor);

    /// <summary>
    /// Reads elements <paramref name="start"/> … <paramref name="start"/> + <c>destination.Length</c> of the tensor in row-major order, as fp32.
    /// Callers read in slices, so that no tensor has to be in memory whole.
    /// </summary>
    void ReadFloats(TensorInfo tensor, long start, Span<float> destination);
}
