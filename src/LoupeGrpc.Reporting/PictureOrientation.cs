using System.Buffers.Binary;
using OpenCvSharp;

namespace LoupeGrpc.Reporting;

/// <summary>
/// How viewers turn a picture, as EXIF counts: 1 as stored, 2 mirrored, 3 by 180°, 4 upside down, 5 transposed, 6 by 90° clockwise, 7 transposed over
/// the other diagonal, 8 by 90° anticlockwise. Masks and boxes are in stored pixels; what people see is upright.
/// </summary>
internal static class PictureOrientation
{
    private const int AsStored = 1;
    private const ushort Tag = 0x0112;

    /// <summary>What the file asks for; 1 where it does not.</summary>
    /// <param name="file">JPEG, PNG, WebP or TIFF; anything else is 1.</param>
    public static int Of(ReadOnlySpan<byte> file) => Find(file)?.Value ?? AsStored;

    /// <summary>The file without its wish. OpenCV turns a TIFF whatever it is told.</summary>
    public static byte[] Cleared(ReadOnlySpan<byte> file)
    {
        var copy = file.ToArray();
        if (Find(file) is { } found)
        {
            Write(copy.AsSpan(found.Offset), found.IsLittleEndian, AsStored);
        }

        return copy;
    }

    /// <param name="stored">As it is stored.</param>
    /// <param name="orientation">1 to 8.</param>
    /// <returns>A picture of its own, as viewers show it. Owned by the caller.</returns>
    public static Mat Upright(Mat stored, int orientation)
    {
        var upright = new Mat();
        switch (orientation)
        {
            case 2:
                Cv2.Flip(stored, upright, FlipMode.Y);
                break;
            case 3:
                Cv2.Rotate(stored, upright, RotateFlags.Rotate180);
                break;
            case 4:
                Cv2.Flip(stored, upright, FlipMode.X);
                break;
            case 5:
                Cv2.Transpose(stored, upright);
                break;
            case 6:
                Cv2.Rotate(stored, upright, RotateFlags.Rotate90Clockwise);
                break;
            case 7:
                using (var transposed = new Mat())
                {
                    Cv2.Transpose(stored, transposed);
                    Cv2.Rotate(transposed, upright, RotateFlags.Rotate180);
                }

                break;
            case 8:
                Cv2.Rotate(stored, upright, RotateFlags.Rotate90Counterclockwise);
                break;
            default:
                stored.CopyTo(upright);
                break;
        }

        return upright;
    }

    private static Place? Find(ReadOnlySpan<byte> file)
    {
        if (file.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8]))
        {
            return FindInJpeg(file);
        }

        if (file.StartsWith("II*\0"u8) || file.StartsWith("MM\0*"u8))
        {
            return FindInTiff(file, 0);
        }

        if (file.Length > 16 && file[1..4].SequenceEqual("PNG"u8))
        {
            return FindInChunks(file, start: 8, "eXIf"u8, isPng: true);
        }

        return file.Length > 16 && file.StartsWith("RIFF"u8) && file[8..12].SequenceEqual("WEBP"u8)
            ? FindInChunks(file, start: 12, "EXIF"u8, isPng: false)
            : null;
    }

    private static Place? FindInJpeg(ReadOnlySpan<byte> file)
    {
        // Segments begin with 0xFF and a marker; the picture itself, behind 0xDA, has none of these.
        for (var at = 2; at + 4 <= file.Length && file[at] == 0xFF && file[at + 1] != 0xDA;)
        {
            var length = BinaryPrimitives.ReadUInt16BigEndian(file[(at + 2)..]);
            if (file[at + 1] == 0xE1 && file[(at + 4)..].StartsWith("Exif\0\0"u8))
            {
                return FindInTiff(file[..Math.Min(file.Length, at + 2 + length)], at + 10);
            }

            at += 2 + length;
        }

        return null;
    }

    /// <summary>Chunks of PNG (length, type, data, checksum) and RIFF (type, length, data, padding).</summary>
    private static Place? FindInChunks(ReadOnlySpan<byte> file, long start, ReadOnlySpan<byte> type, bool isPng)
    {
        for (var at = start; at + 8 <= file.Length;)
        {
            var head = file.Slice((int)at, 8);
            var length = isPng ? BinaryPrimitives.ReadUInt32BigEndian(head) : BinaryPrimitives.ReadUInt32LittleEndian(head[4..]);
            if ((isPng ? head[4..] : head[..4]).SequenceEqual(type))
            {
                var data = (int)at + 8;
                return FindInTiff(file, file[data..].StartsWith("Exif\0\0"u8) ? data + 6 : data);
            }

            at += isPng ? 12L + length : 8L + length + (length % 2);
        }

        return null;
    }

    /// <summary>In the first directory of a TIFF structure.</summary>
    /// <param name="file">What it may read.</param>
    /// <param name="start">Where the structure begins; its offsets count from there.</param>
    private static Place? FindInTiff(ReadOnlySpan<byte> file, int start)
    {
        if (start + 8 > file.Length)
        {
            return null;
        }

        var block = file[start..];
        var isLittleEndian = block.StartsWith("II"u8);
        var directory = isLittleEndian ? BinaryPrimitives.ReadUInt32LittleEndian(block[4..]) : BinaryPrimitives.ReadUInt32BigEndian(block[4..]);
        if (directory > block.Length - 2)
        {
            return null;
        }

        var entries = Read(block[(int)directory..], isLittleEndian);
        for (var i = 0; i < entries; i++)
        {
            var at = (long)directory + 2 + (12L * i);
            if (at + 12 > block.Length)
            {
                return null;
            }

            var entry = block.Slice((int)at, 12);
            if (Read(entry, isLittleEndian) == Tag)
            {
                var value = Read(entry[8..], isLittleEndian);
                return value is >= 1 and <= 8 ? new Place(value, start + (int)at + 8, isLittleEndian) : null;
            }
        }

        return null;
    }

    private static ushort Read(ReadOnlySpan<byte> bytes, bool isLittleEndian) =>
        isLittleEndian ? BinaryPrimitives.ReadUInt16LittleEndian(bytes) : BinaryPrimitives.ReadUInt16BigEndian(bytes);

    private static void Write(Span<byte> bytes, bool isLittleEndian, ushort value)
    {
        if (isLittleEndian)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(bytes, value);
        }
        else
        {
            BinaryPrimitives.WriteUInt16BigEndian(bytes, value);
        }
    }

    private readonly record struct Place(int Value, int Offset, bool IsLittleEndian);
}
