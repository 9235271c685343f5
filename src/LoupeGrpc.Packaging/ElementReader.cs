using System.Buffers;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using LoupeGrpc.Files;

namespace LoupeGrpc.Packaging;

/// <summary>Stored elements as fp32.</summary>
public static class ElementReader
{
    private const int BufferBytes = 1 << 20;

    /// <summary>Reads <c>destination.Length</c> consecutive elements that begin at byte <paramref name="offset"/> of <paramref name="file"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">They are not inside the file.</exception>
    public static void ReadFloats(RandomAccessFile file, long offset, ElementType type, Span<float> destination)
    {
        if (type == ElementType.Float32)
        {
            file.Read(offset, MemoryMarshal.AsBytes(destination));
            return;
        }

        var size = type.SizeOf();
        var buffer = ArrayPool<byte>.Shared.Rent((int)Math.Min(BufferBytes, (long)destination.Length * size));
        try
        {
            var perBuffer = buffer.Length / size;
            while (!destination.IsEmpty)
            {
                var count = Math.Min(perBuffer, destination.Length);
                var bytes = buffer.AsSpan(0, count * size);
                file.Read(offset, bytes);
                ToFloats(type, bytes, destination[..count]);
                offset += bytes.Length;
                destination = destination[count..];
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Converts little-endian elements, rounding to nearest where fp32 cannot hold the value. A stored bool is 0 or 1.</summary>
    /// <param name="source">Exactly <c>destination.Length</c> elements.</param>
    public static void ToFloats(ElementType type, ReadOnlySpan<byte> source, Span<float> destination)
    {
        if (source.Length != (long)destination.Length * type.SizeOf())
        {
            throw new ArgumentException($"{source.Length} bytes are not {destination.Length} elements of {type}.", nameof(source));
        }

        switch (type)
        {
            case ElementType.Float32:
                source.CopyTo(MemoryMarshal.AsBytes(destination));
                break;
            case ElementType.Float16:
                TensorPrimitives.ConvertToSingle(MemoryMarshal.Cast<byte, Half>(source), destination);
                break;
            case ElementType.BFloat16:
                WidenBFloat16(MemoryMarshal.Cast<byte, ushort>(source), destination);
                break;
            case ElementType.Float64:
                TensorPrimitives.ConvertTruncating(MemoryMarshal.Cast<byte, double>(source), destination);
                break;
            case ElementType.Int64:
                TensorPrimitives.ConvertTruncating(MemoryMarshal.Cast<byte, long>(source), destination);
                break;
            case ElementType.Int32:
                TensorPrimitives.ConvertTruncating(MemoryMarshal.Cast<byte, int>(source), destination);
                break;
            case ElementType.Int16:
                TensorPrimitives.ConvertTruncating(MemoryMarshal.Cast<byte, short>(source), destination);
                break;
            case ElementType.Int8:
                TensorPrimitives.ConvertTruncating(MemoryMarshal.Cast<byte, sbyte>(source), destination);
                break;
            case ElementType.UInt8:
                TensorPrimitives.ConvertTruncating(source, destination);
                break;
            case ElementType.Bool:
                WidenBools(source, destination);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(type), type, null);
        }
    }

    private static void WidenBFloat16(ReadOnlySpan<ushort> source, Span<float> destination)
    {
        for (var i = 0; i < source.Length; i++)
        {
            destination[i] = BitConverter.UInt32BitsToSingle((uint)source[i] << 16);
        }
    }

    private static void WidenBools(ReadOnlySpan<byte> source, Span<float> destination)
    {
        for (var i = 0; i < source.Length; i++)
        {
            destination[i] = source[i] == 0 ? 0 : 1;
        }
    }
}
