using System.Buffers.Binary;

namespace LoupeGrpc.Engine.Imaging;

/// <summary>Numbers at offsets that come from the data itself: every read says whether it was inside.</summary>
internal readonly ref struct ByteView(ReadOnlySpan<byte> data, bool littleEndian)
{
    private readonly ReadOnlySpan<byte> _data = data;
    private readonly bool _littleEndian = littleEndian;

    public int Length => _data.Length;

    public bool TrySlice(long offset, long length, out ReadOnlySpan<byte> slice)
    {
        if (offset < 0 || length < 0 || offset > _data.Length || length > _data.Length - offset)
        {
            slice = default;
            return false;
        }

        slice = _data.Slice((int)offset, (int)length);
        return true;
    }

    public bool TryReadUInt16(long offset, out ushort value)
    {
        if (!TrySlice(offset, sizeof(ushort), out var bytes))
        {
            value = 0;
            return false;
        }

        value = _littleEndian ? BinaryPrimitives.ReadUInt16LittleEndian(bytes) : BinaryPrimitives.ReadUInt16BigEndian(bytes);
        return true;
    }

    public bool TryReadUInt32(long offset, out uint value)
    {
        if (!TrySlice(offset, sizeof(uint), out var bytes))
        {
            value = 0;
            return false;
        }

        value = _littleEndian ? BinaryPrimitives.ReadUInt32LittleEndian(bytes) : BinaryPrimitives.ReadUInt32BigEndian(bytes);
        return true;
    }
}
