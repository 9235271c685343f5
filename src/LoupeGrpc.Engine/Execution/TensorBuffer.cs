using LoupeGrpc.Packaging;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace LoupeGrpc.Engine.Execution;

/// <summary>
/// A tensor with a row for each frame of a batch, whose memory is ours for good: seen by ONNX Runtime where it lies, whole or some rows of it, and by us
/// as a span where the processor can read it. Naming rows is thread-safe.
/// </summary>
internal sealed class TensorBuffer : IDisposable
{
    private readonly Lock _lock = new();
    private readonly MemoryBlock _block;
    private readonly TensorElementType _type;
    private readonly long[] _shape;
    private readonly int _rowLength;
    private readonly long _rowBytes;
    private readonly Dictionary<(int First, int Count), OrtValue> _values = [];

    private TensorBuffer(MemoryBlock block, TensorElementType type, long[] shape, int rowLength, long rowBytes)
    {
        _block = block;
        _type = type;
        _shape = shape;
        _rowLength = rowLength;
        _rowBytes = rowBytes;
    }

    /// <param name="type"><see cref="ElementType.Float32"/>, or <see cref="ElementType.Float16"/> for what only graphs read.</param>
    /// <param name="shape">Outermost first; the leading dimension is the rows.</param>
    /// <exception cref="OnnxRuntimeException">There is not enough memory.</exception>
    public static TensorBuffer Allocate(Func<long, MemoryBlock> allocate, ElementType type, long[] shape)
    {
        int rowLength = checked((int)shape.Skip(1).Aggregate(1L, static (product, side) => checked(product * side)));
        long rowBytes = (long)rowLength * type.SizeOf();
        return new TensorBuffer(
            allocate(rowBytes * shape[0]), type == ElementType.Float16 ? TensorElementType.Float16 : TensorElementType.Float, shape, rowLength, rowBytes);
    }

    /// <summary>Outermost first; the leading dimension is the rows.</summary>
    public IReadOnlyList<long> Shape => _shape;

    public int Rows => (int)_shape[0];

    /// <summary>All rows.</summary>
    public OrtValue Value => Slice(0, Rows);

    /// <summary>All rows of what the processor fills and reads.</summary>
    public Span<float> Values => _block.Floats(_rowLength * Rows);

    /// <summary>One row of what the processor fills and reads.</summary>
    public Span<float> Row(int index) => Values.Slice(index * _rowLength, _rowLength);

    /// <summary>Rows as ONNX Runtime sees them, without a copy. The buffer's to dispose.</summary>
    public OrtValue Slice(int first, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(first + count, Rows);
        lock (_lock)
        {
            if (!_values.TryGetValue((first, count), out var value))
            {
                value = OrtValue.CreateTensorValueWithData(
                    _block.Info, _type, [count, .. _shape.AsSpan(1)], _block.Address + (nint)(first * _rowBytes), count * _rowBytes);
                _values.Add((first, count), value);
            }

            return value;
        }
    }

    /// <summary>After the last run that reads or writes it.</summary>
    public void Dispose()
    {
        foreach (var value in _values.Values)
        {
            value.Dispose();
        }

        _values.Clear();
        _block.Dispose();
    }
}
