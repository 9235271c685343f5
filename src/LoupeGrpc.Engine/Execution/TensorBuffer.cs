using LoupeGrpc.Packaging;
using Microsoft.ML.OnnxRuntime;

namespace LoupeGrpc.Engine.Execution;

/// <summary>A tensor whose memory is ours for good, seen by us as a span and by ONNX Runtime as an <see cref="OrtValue"/>: no copy, no allocation a run.</summary>
internal sealed class TensorBuffer : IDisposable
{
    private readonly float[]? _values;

    /// <summary>Of single precision.</summary>
    public TensorBuffer(params ReadOnlySpan<long> shape)
        : this(ElementType.Float32, shape)
    {
    }

    /// <param name="type"><see cref="ElementType.Float32"/>, or <see cref="ElementType.Float16"/> for what only graphs read.</param>
    public TensorBuffer(ElementType type, params ReadOnlySpan<long> shape)
    {
        long length = 1;
        foreach (long side in shape)
        {
            length = checked(length * side);
        }

        Shape = shape.ToArray();

        // On the pinned heap, so that the value's own pin costs the collector nothing.
        if (type == ElementType.Float16)
        {
            Value = OrtValue.CreateTensorValueFromMemory(
                OrtMemoryInfo.DefaultInstance, GC.AllocateArray<Float16>(checked((int)length), pinned: true).AsMemory(), Shape);
        }
        else
        {
            _values = GC.AllocateArray<float>(checked((int)length), pinned: true);
            Value = OrtValue.CreateTensorValueFromMemory(OrtMemoryInfo.DefaultInstance, _values.AsMemory(), Shape);
        }
    }

    /// <summary>Outermost first, with the leading batch.</summary>
    public long[] Shape { get; }

    public OrtValue Value { get; }

    /// <summary>Of a buffer in single precision.</summary>
    public Span<float> Values => _values ?? throw NotSingle();

    /// <summary>Of a buffer in single precision.</summary>
    public ReadOnlyMemory<float> Memory => _values ?? throw NotSingle();

    public void Dispose() => Value.Dispose();

    private static InvalidOperationException NotSingle() => new("A tensor of half precision is read by graphs only.");
}
