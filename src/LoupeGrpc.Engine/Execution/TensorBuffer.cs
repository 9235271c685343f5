using Microsoft.ML.OnnxRuntime;

namespace LoupeGrpc.Engine.Execution;

/// <summary>A tensor whose memory is ours for good, seen by us as a span and by ONNX Runtime as an <see cref="OrtValue"/>: no copy, no allocation a run.</summary>
internal sealed class TensorBuffer : IDisposable
{
    private readonly float[] _values;

    public TensorBuffer(params ReadOnlySpan<long> shape)
    {
        long length = 1;
        foreach (long side in shape)
        {
            length = checked(length * side);
        }

        Shape = shape.ToArray();

        // On the pinned heap, so that the value's own pin costs the collector nothing.
        _values = GC.AllocateArray<float>(checked((int)length), pinned: true);
        Value = OrtValue.CreateTensorValueFromMemory(OrtMemoryInfo.DefaultInstance, _values.AsMemory(), Shape);
    }

    /// <summary>Outermost first, with the leading batch.</summary>
    public long[] Shape { get; }

    public OrtValue Value { get; }

    public Span<float> Values => _values;

    public ReadOnlyMemory<float> Memory => _values;

    public void Dispose() => Value.Dispose();
}
