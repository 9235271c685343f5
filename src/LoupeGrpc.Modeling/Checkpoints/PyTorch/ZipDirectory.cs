using System.Buffers.Binary;
using System.Text;
using LoupeGrpc.Files;

namespace LoupeGrpc.Modeling.Checkpoints.PyTorch;

/// <summary>An entry of a zip archive as its central directory has it.</summary>
/// <param name="HeaderOffset">Of the local header, from the start of the file.</param>
/// <param name="Length">Bytes of the content.</param>
internal sealed record ZipEntry(string Name, bool IsStored, uint Crc32, long HeaderOffset, long Length);

/// <summary>
/// The central directory of a zip archive, with the place of each uncompressed entry in the file, so that its content can be read where it lies.
/// <see cref="System.IO.Compression.ZipArchive"/> does not tell that place and cannot read an entry from the middle.
/// </summary>
internal sealed class ZipDirectory
{
    private const uint EndSignature = 0x06054b50;
    private const uint End64LocatorSignature = 0x07064b50;
    private const uint End64Signature = 0x06064b50;
    private const uint EntrySignature = 0x02014b50;
    private const uint LocalSignature = 0x04034b50;
    private const int EndBytes = 22;
    private const int End64LocatorBytes = 20;
    private const int End64Bytes = 56;
    private const int EntryBytes = 46;
    private const int LocalBytes = 30;
    private const int MaxCommentBytes = ushort.MaxValue;
    private const ushort Zip64ExtraField = 1;
    private const ushort EncryptedFlag = 1;
    private const int MaxDirectoryBytes = 64 << 20;
    private const int MaxEntries = 200_000;

    private readonly RandomAccessFile _file;
    private readonly long _start;
    private readonly Dictionary<string, ZipEntry> _entries = new(StringComparer.Ordinal);

    /// <exception cref="CheckpointException">The archive is damaged.</exception>
    internal ZipDirectory(RandomAccessFile file)
    {
        _file = file;
        (_start, var length) = FindDirectory();
        if (length > MaxDirectoryBytes)
        {
            throw Fault($"its directory has {length} bytes, the limit is {MaxDirectoryBytes}");
        }

        ReadEntries(Read(_start, (int)length));
    }

    internal IReadOnlyDictionary<string, ZipEntry> Entries => _entries;

    /// <summary>Where the content of an entry begins, after checking that all of it is there, uncompressed and before the directory.</summary>
    /// <exception cref="CheckpointException">It is not.</exception>
    internal long FindContent(ZipEntry entry)
    {
        if (!entry.IsStored)
        {
            throw Fault($"entry {entry.Name} is compressed or encrypted, which torch.save does not do");
        }

        if (entry.HeaderOffset > _start - LocalBytes)
        {
            throw Fault($"entry {entry.Name} does not lie inside the file");
        }

        var header = Read(entry.HeaderOffset, LocalBytes);
        var nameLength = BinaryPrimitives.ReadUInt16LittleEndian(header.AsSpan(26));
        var extraLength = BinaryPrimitives.ReadUInt16LittleEndian(header.AsSpan(28));
        var content = entry.HeaderOffset + LocalBytes + nameLength + extraLength;
        if (BinaryPrimitives.ReadUInt32LittleEndian(header) != LocalSignature || content > _start || entry.Length > _start - content)
        {
            throw Fault($"entry {entry.Name} does not lie inside the file");
        }

        return Encoding.UTF8.GetString(Read(entry.HeaderOffset + LocalBytes, nameLength)) == entry.Name
            ? content
            : throw Fault($"entry {entry.Name} has another name in its own header");
    }

    private (long Start, long Length) FindDirectory()
    {
        var tail = Read(Math.Max(0, _file.Length - EndBytes - MaxCommentBytes), (int)Math.Min(_file.Length, EndBytes + MaxCommentBytes));
        for (var at = tail.Length - EndBytes; at >= 0; at--)
        {
            var end = tail.AsSpan(at);
            if (BinaryPrimitives.ReadUInt32LittleEndian(end) == EndSignature
                && BinaryPrimitives.ReadUInt16LittleEndian(end[20..]) == end.Length - EndBytes)
            {
                var endOffset = _file.Length - tail.Length + at;
                return FindDirectory64(endOffset)
                    ?? Checked(BinaryPrimitives.ReadUInt32LittleEndian(end[16..]), BinaryPrimitives.ReadUInt32LittleEndian(end[12..]), endOffset);
            }
        }

        throw Fault("the end of the archive is missing: the file is cut off");
    }

    private (long Start, long Length)? FindDirectory64(long endOffset)
    {
        if (endOffset < End64LocatorBytes)
        {
            return null;
        }

        var locator = Read(endOffset - End64LocatorBytes, End64LocatorBytes);
        if (BinaryPrimitives.ReadUInt32LittleEndian(locator) != End64LocatorSignature)
        {
            return null;
        }

        var offset = BinaryPrimitives.ReadUInt64LittleEndian(locator.AsSpan(8));
        if (offset > (ulong)Math.Max(0, endOffset - End64LocatorBytes - End64Bytes))
        {
            throw Fault("its 64-bit directory does not lie inside the file");
        }

        var end = Read((long)offset, End64Bytes);
        return BinaryPrimitives.ReadUInt32LittleEndian(end) == End64Signature
            ? Checked(BinaryPrimitives.ReadUInt64LittleEndian(end.AsSpan(48)), BinaryPrimitives.ReadUInt64LittleEndian(end.AsSpan(40)), (long)offset)
            : throw Fault("its 64-bit directory is damaged");
    }

    private (long Start, long Length) Checked(ulong offset, ulong length, long limit)
        => offset <= (ulong)limit && length <= (ulong)limit - offset
            ? ((long)offset, (long)length)
            : throw Fault("its directory does not lie inside the file");

    private void ReadEntries(ReadOnlySpan<byte> directory)
    {
        while (!directory.IsEmpty)
        {
            if (directory.Length < EntryBytes || BinaryPrimitives.ReadUInt32LittleEndian(directory) != EntrySignature)
            {
                throw Fault("its directory is damaged");
            }

            var nameLength = BinaryPrimitives.ReadUInt16LittleEndian(directory[28..]);
            var extraLength = BinaryPrimitives.ReadUInt16LittleEndian(directory[30..]);
            var total = EntryBytes + nameLength + extraLength + BinaryPrimitives.ReadUInt16LittleEndian(directory[32..]);
            if (total > directory.Length || _entries.Count == MaxEntries)
            {
                throw Fault(total > directory.Length ? "its directory is damaged" : $"it has more than {MaxEntries} entries");
            }

            var name = Encoding.UTF8.GetString(directory.Slice(EntryBytes, nameLength));
            if (!_entries.TryAdd(name, ReadEntry(name, directory, directory.Slice(EntryBytes + nameLength, extraLength))))
            {
                throw Fault($"it has two entries {name}");
            }

            directory = directory[total..];
        }
    }

    private ZipEntry ReadEntry(string name, ReadOnlySpan<byte> header, ReadOnlySpan<byte> extra)
    {
        var flags = BinaryPrimitives.ReadUInt16LittleEndian(header[8..]);
        var method = BinaryPrimitives.ReadUInt16LittleEndian(header[10..]);
        var extra64 = FindZip64(extra);

        // A 64-bit value stands in the extra field only where the 32-bit one is full, in this order.
        var length = Widen(BinaryPrimitives.ReadUInt32LittleEndian(header[24..]), ref extra64);
        var storedLength = Widen(BinaryPrimitives.ReadUInt32LittleEndian(header[20..]), ref extra64);
        var offset = Widen(BinaryPrimitives.ReadUInt32LittleEndian(header[42..]), ref extra64);
        if (storedLength > (ulong)_file.Length || offset > (ulong)_file.Length)
        {
            throw Fault($"entry {name} does not lie inside the file");
        }

        return new ZipEntry(
            name,
            method == 0 && (flags & EncryptedFlag) == 0 && length == storedLength,
            BinaryPrimitives.ReadUInt32LittleEndian(header[16..]),
            (long)offset,
            (long)storedLength);
    }

    private ulong Widen(uint value, ref ReadOnlySpan<byte> extra64)
    {
        if (value != uint.MaxValue)
        {
            return value;
        }

        if (extra64.Length < sizeof(ulong))
        {
            throw Fault("its directory lacks a 64-bit size");
        }

        var wide = BinaryPrimitives.ReadUInt64LittleEndian(extra64);
        extra64 = extra64[sizeof(ulong)..];
        return wide;
    }

    private static ReadOnlySpan<byte> FindZip64(ReadOnlySpan<byte> extra)
    {
        const int FieldHeaderBytes = 4;
        while (extra.Length >= FieldHeaderBytes)
        {
            var id = BinaryPrimitives.ReadUInt16LittleEndian(extra);
            var length = Math.Min(BinaryPrimitives.ReadUInt16LittleEndian(extra[2..]), extra.Length - FieldHeaderBytes);
            if (id == Zip64ExtraField)
            {
                return extra.Slice(FieldHeaderBytes, length);
            }

            extra = extra[(FieldHeaderBytes + length)..];
        }

        return [];
    }

    private byte[] Read(long offset, int length)
    {
        var bytes = new byte[length];
        _file.Read(offset, bytes);
        return bytes;
    }

    private CheckpointException Fault(string problem) => CheckpointException.InFile(_file.Path, $"not a valid zip archive: {problem}");
}
