namespace LoupeGrpc.Engine.Imaging;

/// <summary>An image file directory of TIFF 6.0, the structure of EXIF too.</summary>
internal readonly ref struct TiffDirectory
{
    public const ushort OrientationTag = 274;

    private const int HeaderLength = 8;
    private const int EntryLength = 12;
    private const ushort ShortType = 3;
    private const ushort LongType = 4;

    private readonly ByteView _file;
    private readonly long _entries;
    private readonly int _count;

    private TiffDirectory(ByteView file, long entries, int count, uint next)
    {
        _file = file;
        _entries = entries;
        _count = count;
        Next = next;
    }

    /// <summary>Offset of the next page's directory; 0 on the last.</summary>
    public uint Next { get; }

    /// <summary>Reads the byte order and where the first directory is.</summary>
    public static bool TryReadHeader(ReadOnlySpan<byte> data, out ByteView file, out uint firstDirectory)
    {
        bool little = data.StartsWith("II*\0"u8);
        file = new ByteView(data, little);
        firstDirectory = 0;
        return (little || data.StartsWith("MM\0*"u8)) && file.TryReadUInt32(4, out firstDirectory);
    }

    public static bool TryRead(ByteView file, uint offset, out TiffDirectory directory)
    {
        directory = default;
        if (offset < HeaderLength || !file.TryReadUInt16(offset, out ushort count))
        {
            return false;
        }

        long entries = (long)offset + sizeof(ushort);
        if (!file.TryReadUInt32(entries + (long)count * EntryLength, out uint next))
        {
            return false;
        }

        directory = new TiffDirectory(file, entries, count, next);
        return true;
    }

    /// <summary>1 to 8; 1 where the block has no usable orientation.</summary>
    public static int OrientationOfExif(ReadOnlySpan<byte> exif) =>
        TryReadHeader(exif, out var file, out uint first) && TryRead(file, first, out var directory)
            ? directory.Orientation
            : 1;

    public int Orientation => TryGet(OrientationTag, out uint value) && value is >= 1 and <= 8 ? (int)value : 1;

    /// <summary>The first value of a tag that holds SHORTs or LONGs.</summary>
    public bool TryGet(ushort tag, out uint value) => TryGet(tag, out value, out _, out _);

    /// <param name="position">Where in the file the value lies.</param>
    /// <param name="isShort">It has two bytes there, otherwise four.</param>
    public bool TryGet(ushort tag, out uint value, out long position, out bool isShort)
    {
        value = 0;
        position = 0;
        isShort = false;
        for (int i = 0; i < _count; i++)
        {
            long entry = _entries + (long)i * EntryLength;
            if (!_file.TryReadUInt16(entry, out ushort found) || found != tag)
            {
                continue;
            }

            if (!_file.TryReadUInt16(entry + 2, out ushort type) || type is not (ShortType or LongType)
                || !_file.TryReadUInt32(entry + 4, out uint count) || count == 0)
            {
                return false;
            }

            // Values that fit into four bytes stand in the entry itself.
            isShort = type == ShortType;
            position = entry + 8;
            if ((long)count * (isShort ? sizeof(ushort) : sizeof(uint)) > sizeof(uint))
            {
                if (!_file.TryReadUInt32(position, out uint offset))
                {
                    return false;
                }

                position = offset;
            }

            if (isShort)
            {
                bool read = _file.TryReadUInt16(position, out ushort small);
                value = small;
                return read;
            }

            return _file.TryReadUInt32(position, out value);
        }

        return false;
    }
}
