namespace LoupeGrpc.Engine.Imaging;

/// <summary>The numbers of one TIFF tag, where they lie in the file. How many are really there is seen when they are read.</summary>
internal readonly ref struct TiffValues(ByteView file, long position, uint count, int size)
{
    private readonly ByteView _file = file;

    public long Position { get; } = position;

    /// <summary>As the directory says.</summary>
    public uint Count { get; } = count;

    /// <summary>Bytes of one: 1, 2 or 4.</summary>
    public int Size { get; } = size;

    public bool TryGet(long index, out uint value)
    {
        value = 0;
        if (index < 0 || index >= Count)
        {
            return false;
        }

        long at = Position + (index * Size);
        switch (Size)
        {
            case sizeof(byte):
                bool isThere = _file.TrySlice(at, sizeof(byte), out var bytes);
                value = isThere ? bytes[0] : 0u;
                return isThere;
            case sizeof(ushort):
                bool read = _file.TryReadUInt16(at, out ushort small);
                value = small;
                return read;
            default:
                return _file.TryReadUInt32(at, out value);
        }
    }
}
