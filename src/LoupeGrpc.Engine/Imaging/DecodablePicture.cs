using System.Buffers;
using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;

namespace LoupeGrpc.Engine.Imaging;

/// <summary>
/// The bytes that OpenCV is given, where they must differ from the file so that the first frame's stored samples come out:
/// a rented copy that goes back when this is disposed.
/// </summary>
internal readonly ref struct DecodablePicture
{
    private readonly byte[]? _rented;

    private DecodablePicture(ReadOnlySpan<byte> bytes, byte[]? rented, string? defect = null)
    {
        Bytes = bytes;
        _rented = rented;
        Defect = defect;
    }

    public ReadOnlySpan<byte> Bytes { get; }

    /// <summary>As <see cref="ImageHeader.Defect"/>, where it takes reading the data to find it.</summary>
    public string? Defect { get; }

    public static DecodablePicture From(ReadOnlySpan<byte> file, ImageHeader header) => header.Kind switch
    {
        ImageKind.Png => FromPng(file),
        ImageKind.Tiff when header.HasAlpha || header.Orientation != 1 => FromTiff(file),
        _ => new DecodablePicture(file, null),
    };

    public void Dispose()
    {
        if (_rented is not null)
        {
            ArrayPool<byte>.Shared.Return(_rented);
        }
    }

    /// <summary>
    /// Only the chunks that make the still picture's pixels. Without the animation's chunks every decoder agrees on the picture (with them
    /// OpenCV composes its first frame and rounds 16 bits differently). Nor is there metadata left for libpng to complain about on standard error,
    /// and damage is found here by the checksums, before it would be.
    /// </summary>
    private static DecodablePicture FromPng(ReadOnlySpan<byte> file)
    {
        byte[] copy = ArrayPool<byte>.Shared.Rent(file.Length);
        PngHeaderReader.Signature.CopyTo(copy);
        int written = PngHeaderReader.Signature.Length;
        var view = new ByteView(file, littleEndian: false);
        for (long position = written; view.TryReadUInt32(position, out uint length);)
        {
            long total = PngHeaderReader.ChunkOverhead + (long)length;
            if (!view.TrySlice(position, total, out var chunk))
            {
                break;
            }

            var name = chunk.Slice(4, 4);
            bool end = name.SequenceEqual("IEND"u8);
            if (end || name.SequenceEqual("IHDR"u8) || name.SequenceEqual("PLTE"u8) || name.SequenceEqual("IDAT"u8))
            {
                if (Crc32.HashToUInt32(chunk[4..^4]) != BinaryPrimitives.ReadUInt32BigEndian(chunk[^4..]))
                {
                    return new DecodablePicture([], copy, $"the checksum of its {Encoding.ASCII.GetString(name)} chunk is wrong");
                }

                chunk.CopyTo(copy.AsSpan(written));
                written += chunk.Length;
            }

            if (end)
            {
                break;
            }

            position += total;
        }

        return new DecodablePicture(copy.AsSpan(0, written), copy);
    }

    /// <summary>
    /// libtiff turns the picture as its Orientation tag says and multiplies colours by an alpha that is declared unassociated: neither tag is left
    /// to say so in the copy.
    /// </summary>
    private static DecodablePicture FromTiff(ReadOnlySpan<byte> file)
    {
        const uint Upright = 1;
        const uint AssociatedAlpha = 1;

        byte[] copy = ArrayPool<byte>.Shared.Rent(file.Length);
        file.CopyTo(copy);
        var bytes = copy.AsSpan(0, file.Length);
        if (TiffDirectory.TryReadHeader(bytes, out var view, out uint first) && TiffDirectory.TryRead(view, first, out var page))
        {
            bool littleEndian = bytes[0] == 'I';
            Overwrite(bytes, page, TiffDirectory.OrientationTag, Upright, littleEndian);
            Overwrite(bytes, page, TiffHeaderReader.ExtraSamplesTag, AssociatedAlpha, littleEndian);
        }

        return new DecodablePicture(bytes, copy);
    }

    private static void Overwrite(Span<byte> bytes, TiffDirectory page, ushort tag, uint value, bool littleEndian)
    {
        if (!page.TryGet(tag, out _, out long position, out bool isShort))
        {
            return;
        }

        var target = bytes[(int)position..];
        switch (isShort, littleEndian)
        {
            case (true, true):
                BinaryPrimitives.WriteUInt16LittleEndian(target, (ushort)value);
                break;
            case (true, false):
                BinaryPrimitives.WriteUInt16BigEndian(target, (ushort)value);
                break;
            case (false, true):
                BinaryPrimitives.WriteUInt32LittleEndian(target, value);
                break;
            default:
                BinaryPrimitives.WriteUInt32BigEndian(target, value);
                break;
        }
    }
}
