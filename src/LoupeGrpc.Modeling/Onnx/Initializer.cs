using System.Buffers;
using System.Globalization;
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
    /// <exception cref="CheckpointException">As <see cref="Encode"/>.</exception>
    public byte[] ReadBytes(ITensorSource source)
    {
        var values = new float[Length];
        ReadRows(source, 0, values);
        return Encode(values).ToArray();
    }

    /// <summary>Values as they are written, in the place of the values themselves.</summary>
    /// <exception cref="CheckpointException">A value is too large for fp16. What is too small for it becomes the nearest number that it has, or zero.</exception>
    public ReadOnlySpan<byte> Encode(Span<float> values) => type switch
    {
        ElementType.Float32 => MemoryMarshal.AsBytes(values),
        ElementType.Float16 => EncodeHalves(values),
        ElementType.Int8 => EncodeBytes(values),
        _ => throw new NotSupportedException($"{name} cannot be written as {type}."),
    };

    /// <param name="values">Whole numbers from -128 to 127.</param>
    private static ReadOnlySpan<byte> EncodeBytes(Span<float> values)
    {
        var bytes = MemoryMarshal.Cast<float, sbyte>(values);
        for (int i = 0; i < values.Length; i++)
        {
            bytes[i] = (sbyte)values[i];
        }

        return MemoryMarshal.AsBytes(bytes[..values.Length]);
    }

    private ReadOnlySpan<byte> EncodeHalves(Span<float> values)
    {
        // A half takes less room than what it is made of, so no value is overwritten before it is read.
        var halves = MemoryMarshal.Cast<float, Half>(values);
        for (int i = 0; i < values.Length; i++)
        {
            float value = values[i];
            halves[i] = (Half)value;
            if (!Half.IsFinite(halves[i]))
            {
                throw new CheckpointException(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{Origin} holds {value:R}, which fp16 cannot hold: its largest number is {(float)Half.MaxValue:R}. Convert this model with --precision fp32."));
            }
        }

        return MemoryMarshal.AsBytes(halves[..values.Length]);
    }

    /// <summary>What its values come from, as an error names it.</summary>
    protected virtual string Origin => name;
}

/// <summary>A row of the checkpoint's matrix, times a factor.</summary>
internal readonly record struct SourceRow(long Index, float Factor = 1);

/// <summary>A tensor of the checkpoint as it is, or rows of a matrix chosen and scaled.</summary>
internal sealed class TensorRows(string name, long[] shape, ElementType type, TensorInfo tensor, Func<int, SourceRow>? map = null)
    : Initializer(name, shape, type)
{
    public override int RowLength { get; } = (int)(shape.Length == 0 ? 1 : shape[^1]);

    protected override string Origin => $"{tensor.Name} in {tensor.Source}";

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
