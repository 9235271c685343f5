using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace LoupeGrpc.Engine.Providers;

/// <summary>What a shared library of Linux needs to be loaded.</summary>
internal static class SharedLibraries
{
    private const int LoadSegment = 1;
    private const int DynamicSegment = 2;
    private const int NeededTag = 1;
    private const int StringTableTag = 5;

    /// <summary>Names of the libraries that the file is linked with, e.g. <c>libcudart.so.13</c>; empty where it is no 64-bit ELF library.</summary>
    /// <exception cref="IOException"/>
    /// <exception cref="UnauthorizedAccessException"/>
    public static IReadOnlyList<string> Needed(string path)
    {
        using var file = File.OpenRead(path);
        try
        {
            return ReadNeeded(file);
        }
        catch (Exception exception) when (exception is EndOfStreamException or ArgumentException or OverflowException)
        {
            return [];
        }
    }

    /// <summary>Those of <see cref="Needed"/> that the loader does not find. Tries to load them, with all that may bring.</summary>
    /// <exception cref="IOException"/>
    /// <exception cref="UnauthorizedAccessException"/>
    public static IReadOnlyList<string> Missing(string path)
    {
        // A library may be told to look beside itself.
        var directory = Path.GetDirectoryName(Path.GetFullPath(path))!;
        return [.. Needed(path).Where(name => !NativeLibrary.TryLoad(name, out _) && !File.Exists(Path.Combine(directory, name)))];
    }

    private static List<string> ReadNeeded(FileStream file)
    {
        var header = Read(file, 0, 64);
        if (!header.AsSpan(0, 6).SequenceEqual("\u007fELF\u0002\u0001"u8))
        {
            return [];
        }

        var segments = Read(file, Long(header, 32), checked(Short(header, 54) * Short(header, 56)))
            .Chunk(Short(header, 54))
            .Select(static segment => (Type: Int(segment, 0), Offset: Long(segment, 8), Address: Long(segment, 16), Size: Long(segment, 32)))
            .ToList();
        var dynamic = segments.Find(static segment => segment.Type == DynamicSegment);
        var entries = Read(file, dynamic.Offset, checked((int)dynamic.Size))
            .Chunk(16)
            .Select(static entry => (Tag: Long(entry, 0), Value: Long(entry, 8)))
            .ToList();

        var address = entries.Find(static entry => entry.Tag == StringTableTag).Value;
        var holder = segments.Find(segment => segment.Type == LoadSegment && segment.Address <= address && address < segment.Address + segment.Size);
        return [.. entries.Where(static entry => entry.Tag == NeededTag).Select(entry => Text(file, address - holder.Address + holder.Offset + entry.Value))];
    }

    private static string Text(FileStream file, long offset)
    {
        Seek(file, offset, 0);
        var text = new StringBuilder();
        for (var value = file.ReadByte(); value > 0 && text.Length < 256; value = file.ReadByte())
        {
            text.Append((char)value);
        }

        return text.ToString();
    }

    private static byte[] Read(FileStream file, long offset, int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, 1 << 20);
        var bytes = new byte[length];
        Seek(file, offset, length);
        file.ReadExactly(bytes);
        return bytes;
    }

    /// <summary>To where so many bytes are: the system refuses offsets beyond what files can have, and not as the end of one.</summary>
    private static void Seek(FileStream file, long offset, int length)
    {
        if (offset < 0 || offset > file.Length - length)
        {
            throw new EndOfStreamException();
        }

        file.Position = offset;
    }

    private static int Short(byte[] bytes, int offset) => BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(offset));

    private static int Int(byte[] bytes, int offset) => BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(offset));

    private static long Long(byte[] bytes, int offset) => BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(offset));
}
