using System.Text;
using LoupeGrpc.Provenance;

namespace LoupeGrpc.Engine.Imaging;

/// <summary>An image file directory of TIFF 6.0, the structure of EXIF too.</summary>
internal readonly ref struct TiffDirectory
{
    public const ushort OrientationTag = 274;

    private const ushort SoftwareTag = 0x0131;
    private const int MostSoftwareBytes = 1024;
    private const int HeaderLength = 8;
    private const int EntryLength = 12;
    private const ushort ByteType = 1;
    private const ushort AsciiType = 2;
    private const ushort ShortType = 3;
    private const ushort LongType = 4;
    private const ushort DirectoryType = 13;

    // Real files have some dozens. Directories may overlap, so that many could be claimed with few bytes.
    private const int MostEntries = 1024;

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
        if (offset < HeaderLength || !file.TryReadUInt16(offset, out ushort count) || count > MostEntries)
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

    /// <summary>Null where the block does not name the program that wrote it.</summary>
    public static string? SoftwareOfExif(ReadOnlySpan<byte> exif) =>
        TryReadHeader(exif, out var file, out uint first) && TryRead(file, first, out var directory) ? directory.Software : null;

    /// <summary>The program that wrote the file, fit to be shown; null where it is not said.</summary>
    public string? Software
    {
        get
        {
            if (!TryGetText(SoftwareTag, MostSoftwareBytes, out var text))
            {
                return null;
            }

            int end = text.IndexOf((byte)0);
            string software = PlainText.Clean(Encoding.UTF8.GetString(end < 0 ? text : text[..end]), PlainText.Long);
            return software.Length > 0 ? software : null;
        }
    }

    public int Orientation => OrientationOr(1);

    public uint ValueOr(ushort tag, uint fallback) => TryGet(tag, out uint value) ? value : fallback;

    public int OrientationOr(int fallback) => TryGet(OrientationTag, out uint value) && value is >= 1 and <= 8 ? (int)value : fallback;

    public bool Contains(ushort tag) => TryFind(tag, out _, out _, out _);

    /// <summary>Bytes of an ASCII tag, at most so many.</summary>
    public bool TryGetText(ushort tag, int most, out ReadOnlySpan<byte> text)
    {
        text = default;
        if (!TryFind(tag, out ushort type, out uint count, out long entry) || type != AsciiType)
        {
            return false;
        }

        long position = entry;
        if (count > sizeof(uint))
        {
            if (!_file.TryReadUInt32(entry, out uint offset))
            {
                return false;
            }

            position = offset;
        }

        return _file.TrySlice(position, Math.Min(count, most), out text);
    }

    /// <summary>The first value of a tag; as <see cref="TryGetAll"/>.</summary>
    public bool TryGet(ushort tag, out uint value) => TryGet(tag, out value, out _, out _);

    /// <param name="position">Where in the file the value lies.</param>
    /// <param name="size">Bytes that it has there: 1, 2 or 4.</param>
    public bool TryGet(ushort tag, out uint value, out long position, out int size)
    {
        value = 0;
        position = 0;
        size = 0;
        if (!TryGetAll(tag, out var values) || values.Count == 0 || !values.TryGet(0, out value))
        {
            return false;
        }

        position = values.Position;
        size = values.Size;
        return true;
    }

    /// <summary>All values of a tag that holds BYTEs, SHORTs, LONGs or offsets of directories.</summary>
    public bool TryGetAll(ushort tag, out TiffValues values)
    {
        values = default;
        if (!TryFind(tag, out ushort type, out uint count, out long entry))
        {
            return false;
        }

        int size = type switch { ByteType => sizeof(byte), ShortType => sizeof(ushort), LongType or DirectoryType => sizeof(uint), _ => 0 };
        if (size == 0)
        {
            return false;
        }

        // Values that fit into four bytes stand in the entry itself.
        long position = entry;
        if ((long)count * size > sizeof(uint))
        {
            if (!_file.TryReadUInt32(entry, out uint offset))
            {
                return false;
            }

            position = offset;
        }

        values = new TiffValues(_file, position, count, size);
        return true;
    }

    /// <param name="value">Where the entry's value or its offset stands.</param>
    private bool TryFind(ushort tag, out ushort type, out uint count, out long value)
    {
        type = 0;
        count = 0;
        value = 0;
        for (int i = 0; i < _count; i++)
        {
            long entry = _entries + ((long)i * EntryLength);
            if (_file.TryReadUInt16(entry, out ushort found) && found == tag)
            {
                value = entry + 8;
                return _file.TryReadUInt16(entry + 2, out type) && _file.TryReadUInt32(entry + 4, out count);
            }
        }

        return false;
    }
}
