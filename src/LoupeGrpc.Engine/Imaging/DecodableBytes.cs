using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;

namespace LoupeGrpc.Engine.Imaging;

/// <summary>The bytes that OpenCV is given, where they must differ from the file so that the first frame's stored samples come out.</summary>
internal static class DecodableBytes
{
    /// <summary>Whether they differ. Where they do not, a copy is the file.</summary>
    public static bool Differ(ImageHeader header) => header.Kind switch
    {
        ImageKind.Png => true,
        ImageKind.Jpeg => header.Patches is not null,
        ImageKind.Tiff => header.HasAlpha || header.Orientation != 1 || header.Directory is not null,
        _ => false,
    };

    /// <param name="destination">At least as long as the file.</param>
    /// <param name="length">Bytes written.</param>
    /// <returns>As <see cref="ImageHeader.Defect"/>, where it takes reading the data to find it.</returns>
    public static string? Write(ReadOnlySpan<byte> file, ImageHeader header, Span<byte> destination, out int length)
    {
        if (header.Kind == ImageKind.Png)
        {
            return WritePng(file, destination, out length);
        }

        length = file.Length;
        file.CopyTo(destination);
        if (header.Kind == ImageKind.Jpeg && header.Patches is { } patches)
        {
            Patch(destination, patches);
        }
        else if (header.Kind == ImageKind.Tiff && Differ(header))
        {
            PatchTiff(destination[..length], header);
        }

        return null;
    }

    /// <summary>
    /// Only the chunks that make the still picture's pixels. Without the animation's chunks every decoder agrees on the picture (with them
    /// OpenCV composes its first frame and rounds 16 bits differently). Nor is there metadata left for libpng to complain about,
    /// and damage is found here by the checksums, before it would be.
    /// </summary>
    private static string? WritePng(ReadOnlySpan<byte> file, Span<byte> destination, out int length)
    {
        PngHeaderReader.Signature.CopyTo(destination);
        length = PngHeaderReader.Signature.Length;
        var view = new ByteView(file, littleEndian: false);
        for (long position = length; view.TryReadUInt32(position, out uint content);)
        {
            long total = PngHeaderReader.ChunkOverhead + (long)content;
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
                    return $"the checksum of its {Encoding.ASCII.GetString(name)} chunk is wrong";
                }

                chunk.CopyTo(destination[length..]);
                length += chunk.Length;
            }

            if (end)
            {
                break;
            }

            position += total;
        }

        return null;
    }

    /// <summary>See <see cref="BytePatch"/>.</summary>
    private static void Patch(Span<byte> bytes, IReadOnlyList<BytePatch> patches)
    {
        foreach (var patch in patches)
        {
            bytes[patch.Position] = patch.Value;
        }
    }

    /// <summary>
    /// libtiff reads the first directory, turns the picture as its Orientation tag says and multiplies colours by an alpha that is declared
    /// unassociated: in the copy the wanted directory comes first, and neither tag is left to say so.
    /// </summary>
    private static void PatchTiff(Span<byte> bytes, ImageHeader header)
    {
        const uint Upright = 1;
        const uint AssociatedAlpha = 1;
        const int FirstDirectoryOffset = 4;

        bool littleEndian = bytes[0] == 'I';
        if (header.Directory is { } directory)
        {
            Write(bytes[FirstDirectoryOffset..], sizeof(uint), directory, littleEndian);
        }

        if (TiffDirectory.TryReadHeader(bytes, out var view, out uint first) && TiffDirectory.TryRead(view, first, out var page))
        {
            Overwrite(bytes, page, TiffDirectory.OrientationTag, Upright, littleEndian);
            Overwrite(bytes, page, TiffHeaderReader.ExtraSamplesTag, AssociatedAlpha, littleEndian);
        }
    }

    private static void Overwrite(Span<byte> bytes, TiffDirectory page, ushort tag, uint value, bool littleEndian)
    {
        if (page.TryGet(tag, out _, out long position, out int size))
        {
            Write(bytes[(int)position..], size, value, littleEndian);
        }
    }

    private static void Write(Span<byte> target, int size, uint value, bool littleEndian)
    {
        switch (size, littleEndian)
        {
            case (sizeof(byte), _):
                target[0] = (byte)value;
                break;
            case (sizeof(ushort), true):
                BinaryPrimitives.WriteUInt16LittleEndian(target, (ushort)value);
                break;
            case (sizeof(ushort), false):
                BinaryPrimitives.WriteUInt16BigEndian(target, (ushort)value);
                break;
            case (_, true):
                BinaryPrimitives.WriteUInt32LittleEndian(target, value);
                break;
            default:
                BinaryPrimitives.WriteUInt32BigEndian(target, value);
                break;
        }
    }
}
