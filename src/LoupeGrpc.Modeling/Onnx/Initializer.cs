using System.Buffers;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using LoupeGrpc.Modeling.Checkpoints;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Modeling.Onnx;

/// <summary>A tensor of a graph and how to get its values, which are read only when it is written.</summary>
internal abstract class Initializer(string name, long[] shape, ElementType type)
{
    public string Name => name;

    public IReadOnlyList<long> Shape => shape;

    /// <summary>As written.</summary>
    public ElementType Type => type;

    public long Length => shape.Aggregate(1L, static (product, side) => product * side);

    public long Bytes => Length * type.SizeOf();

    /// <summary>Values are read in whole rows of this length.</summary>
    public abstract int RowLength { get; }

    /// <summary>Reads as many whole rows as <paramref name="destination"/> holds.</summary>
    public abstract void ReadRows(ITensorSource source, long firstRow, Span<float> destination);

    /// <summary>The bytes as written; for small tensors.</summary>
    public byte[] ReadBytes(ITensorSource source)
    {
        var values = new float[Length];
        ReadRows(source, 0, values);
        return Encode(values).ToArray();
    }

    /// <summary>Values as they are written; valid until <paramref name="values"/> changes.</summary>
    public ReadOnlySpan<byte> Encode(ReadOnlySpan<float> values) => type == ElementType.Float32
        ? MemoryMarshal.AsBytes(values)
        : throw new NotSupportedException($"{name} cannot be written as {type}.");
}

/// <summary>A row of the checkpoint's matrix, times a factor.</summary>
internal readonly record struct SourceRow(long Index, float Factor = 1);

/// <summary>A tensor of the checkpoint as it is, or rows of a matrix chosen and scaled.</summary>
internal sealed class TensorRows(string name, long[] shape, ElementType type, TensorInfo tensor, Func<int, SourceRow>? map = null)
    : Initializer(name, shape, type)
{
    public override int RowLength { get; } = (int)(shape.Length == 0 ? 1 : shape[^1]);

    public override void ReadRows(ITensorSource source, long firstRow, Span<float> destination)
    {
        if (map is null)
        {
            source.ReadFloats(tensor, firstRow * RowLength, destination);
            return;
        }

        // Rows stay near their place, so the range that they come from is read at once: a read for each row would cost more than the data.
        var rows = Enumerable.Range((int)firstRow, destination.Length / RowLength).Select(map).ToArray();
        long first = rows.Min(static row => row.Index);
        int length = (int)(rows.Max(static row => row.Index) - first + 1) * RowLength;
        float[] range = ArrayPool<float>.Shared.Rent(length);
        try
        {
            source.ReadFloats(tensor, first * RowLength, range.AsSpan(0, length));
            for (int i = 0; i < rows.Length; i++)
            {
                var values = range.AsSpan((int)(rows[i].Index - first) * RowLength, RowLength);
                TensorPrimitives.Multiply(values, rows[i].Factor, destination.Slice(i * RowLength, RowLength));
            }
        }
        finally
        {
            ArrayPool<float>.Shared.Return(range);
        }
    }
}

/// <summary>Values made while the graph was built.</summary>
internal sealed class ComputedTensor(string name, long[] shape, ElementType type, float[] values) : Initializer(name, shape, type)
{
    public override int RowLength => 1;

    public override void ReadRows(ITensorSource source, long firstRow, Span<float> destination) =>
        values.AsSpan((int)firstRow, destination.Length).CopyTo(destination);
}
