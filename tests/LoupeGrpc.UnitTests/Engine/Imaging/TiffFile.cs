using System.Buffers.Binary;
using System.Text;

namespace LoupeGrpc.UnitTests.Engine.Imaging;

/// <summary>A TIFF written tag by tag, little-endian: for directories that no program writes.</summary>
internal sealed class TiffFile
{
    private const int SubDirectories = 330;

    private readonly List<byte> _bytes = [.. "II*\0"u8, 0, 0, 0, 0];
    private readonly List<Page> _pages = [];

    /// <summary>Puts bytes into the file.</summary>
    /// <returns>Where they are.</returns>
    public uint Data(ReadOnlySpan<byte> data)
    {
        Align();
        uint offset = (uint)_bytes.Count;
        _bytes.AddRange(data);
        return offset;
    }

    /// <summary>A page of the main chain.</summary>
    public Page Add(params Page[] below)
    {
        var page = new Page(below);
        _pages.Add(page);
        return page;
    }

    public byte[] Build()
    {
        uint next = 0;
        for (int i = _pages.Count - 1; i >= 0; i--)
        {
            next = Write(_pages[i], next);
        }

        byte[] file = [.. _bytes];
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(4), next);
        return file;
    }

    private uint Write(Page page, uint next)
    {
        if (page.Below.Count > 0)
        {
            page.Longs(SubDirectories, [.. page.Below.Select(child => Write(child, 0))]);
        }

        var entries = new List<byte>();
        foreach (var (tag, (type, count, value)) in page.Tags)
        {
            byte[] stored = value.Length <= 4 ? [.. value, .. new byte[4 - value.Length]] : BitConverter.GetBytes(Data(value));
            entries.AddRange([.. BitConverter.GetBytes((ushort)tag), .. BitConverter.GetBytes((ushort)type), .. BitConverter.GetBytes(count), .. stored]);
        }

        return Data([.. BitConverter.GetBytes((ushort)page.Tags.Count), .. entries, .. BitConverter.GetBytes(next)]);
    }

    private void Align()
    {
        if (_bytes.Count % 2 != 0)
        {
            _bytes.Add(0);
        }
    }

    /// <summary>A directory: tags by their numbers.</summary>
    internal sealed class Page(params Page[] below)
    {
        public IReadOnlyList<Page> Below { get; } = below;

        public SortedDictionary<int, (int Type, int Count, byte[] Value)> Tags { get; } = [];

        public Page Shorts(int tag, params ushort[] values) => Set(tag, 3, values.Length, [.. values.SelectMany(BitConverter.GetBytes)]);

        public Page Longs(int tag, params uint[] values) => Set(tag, 4, values.Length, [.. values.SelectMany(BitConverter.GetBytes)]);

        public Page Text(int tag, string text) => Set(tag, 2, text.Length + 1, [.. Encoding.ASCII.GetBytes(text), 0]);

        /// <summary>Size, and 8 bits of <paramref name="photometric"/> samples in one strip.</summary>
        public Page Picture(uint width, uint height, uint offset, uint length, ushort samples = 3, ushort photometric = 2, ushort compression = 1) =>
            Longs(256, width).Longs(257, height).Shorts(258, [.. Enumerable.Repeat<ushort>(8, samples)]).Shorts(259, compression)
                .Shorts(262, photometric).Longs(273, offset).Shorts(277, samples).Longs(278, height).Longs(279, length);

        private Page Set(int tag, int type, int count, byte[] value)
        {
            Tags[tag] = (type, count, value);
            return this;
        }
    }
}
