using System.Diagnostics.CodeAnalysis;
using LoupeGrpc.Modeling.Checkpoints;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.UnitTests.Modeling;

/// <summary>A checkpoint in memory that a test can change: what a variant of a model has, or what a broken file has.</summary>
internal sealed class MemoryWeights : ITensorSource
{
    private readonly Dictionary<string, Tensor> _tensors = [];

    public IEnumerable<TensorInfo> Tensors => _tensors.Select(static entry => Describe(entry.Key, entry.Value));

    /// <summary>A copy of a tiny model's tensors.</summary>
    public static MemoryWeights OfTiny(string name)
    {
        var copy = new MemoryWeights();
        using var weights = TestModel.TinyWeights(name);
        foreach (var tensor in weights.Tensors)
        {
            var values = new float[tensor.Length];
            weights.ReadFloats(tensor, 0, values);
            copy._tensors.Add(tensor.Name, new Tensor([.. tensor.Shape], values));
        }

        return copy;
    }

    /// <summary>Removes every tensor whose name contains <paramref name="part"/>.</summary>
    public MemoryWeights Without(string part)
    {
        foreach (string name in _tensors.Keys.Where(name => name.Contains(part, StringComparison.Ordinal)).ToList())
        {
            _tensors.Remove(name);
        }

        return this;
    }

    /// <summary>Adds or replaces a tensor by small values that follow from its index.</summary>
    public MemoryWeights With(string name, params long[] shape) => With(name, static i => MathF.Sin(i) * 0.1f, shape);

    /// <summary>Adds or replaces a tensor by a value for each index.</summary>
    public MemoryWeights With(string name, Func<int, float> value, params long[] shape)
    {
        long length = shape.Aggregate(1L, static (product, side) => product * side);
        _tensors[name] = new Tensor(shape, [.. Enumerable.Range(0, (int)length).Select(value)]);
        return this;
    }

    public bool TryGet(string name, [NotNullWhen(true)] out TensorInfo? tensor)
    {
        tensor = _tensors.TryGetValue(name, out var stored) ? Describe(name, stored) : null;
        return tensor is not null;
    }

    public void ReadFloats(TensorInfo tensor, long start, Span<float> destination) =>
        _tensors[tensor.Name].Values.AsSpan((int)start, destination.Length).CopyTo(destination);

    private static TensorInfo Describe(string name, Tensor tensor) => new(name, ElementType.Float32, tensor.Shape, "memory");
}
