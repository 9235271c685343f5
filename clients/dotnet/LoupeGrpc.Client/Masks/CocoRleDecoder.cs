using LoupeGrpc.V1;

namespace LoupeGrpc.Client.Masks;

/// <summary>Reads masks in COCO's compressed run-length encoding, as pycocotools writes it.</summary>
public static class CocoRleDecoder
{
    /// <summary>Bits of one character: five of the number, one that says that more follow.</summary>
    private const int BitsPerCharacter = 5;

    /// <summary>Characters of the longest number that fits 64 bits.</summary>
    private const int MaxCharacters = 12;

    /// <exception cref="InvalidDataException">The runs do not fill the picture exactly, or are no such encoding.</exception>
    public static BinaryMask Decode(CocoRle rle)
    {
        ArgumentNullException.ThrowIfNull(rle);
        return rle.Size.Count == 2
            ? Decode(rle.Size[0], rle.Size[1], rle.Counts)
            : throw new InvalidDataException($"The mask's size has {rle.Size.Count} numbers; it must be [height, width].");
    }

    /// <param name="height">Pixels.</param>
    /// <param name="width">Pixels.</param>
    /// <param name="counts">Runs column by column, the first of zeros; from the third on relative to the run two before.</param>
    /// <exception cref="InvalidDataException">The runs do not fill the picture exactly, or are no such encoding.</exception>
    public static BinaryMask Decode(uint height, uint width, ReadOnlySpan<char> counts)
    {
        var total = (ulong)height * width;
        if (total > (ulong)Array.MaxLength)
        {
            throw new InvalidDataException($"A mask of {width}x{height} pixels is too large to decode.");
        }

        var pixels = new byte[(int)total];
        var (rows, columns) = ((int)height, (int)width);
        long twoBefore = 0;
        long before = 0;
        long position = 0;
        var run = 0;
        while (!counts.IsEmpty)
        {
            var number = ReadNumber(ref counts);
            var length = run > 2 ? number + twoBefore : number;
            if (length < 0 || length > pixels.Length - position)
            {
                throw new InvalidDataException($"Run {run} of the mask has {length} pixels, {pixels.Length - position} are left of {width}x{height}.");
            }

            if (run % 2 == 1 && length > 0)
            {
                Fill(pixels, rows, columns, position, length);
            }

            position += length;
            (twoBefore, before) = (before, length);
            run++;
        }

        return position == pixels.Length
            ? new BinaryMask(rows, columns, pixels)
            : throw new InvalidDataException($"The runs of the mask end after {position} of {width}x{height} pixels.");
    }

    private static long ReadNumber(ref ReadOnlySpan<char> counts)
    {
        long number = 0;
        for (var i = 0; i < counts.Length && i < MaxCharacters; i++)
        {
            var bits = counts[i] - 48;
            if (bits is < 0 or > 63)
            {
                throw new InvalidDataException($"U+{(int)counts[i]:X4} is not a character of run lengths.");
            }

            number |= (long)(bits & 0x1F) << (BitsPerCharacter * i);
            if ((bits & 0x20) == 0)
            {
                counts = counts[(i + 1)..];
                var used = BitsPerCharacter * (i + 1);
                return (bits & 0x10) != 0 ? number | (-1L << used) : number;
            }
        }

        throw new InvalidDataException(counts.Length < MaxCharacters
            ? "The run lengths stop in the middle of a number."
            : "A run length does not fit 60 bits.");
    }

    private static void Fill(byte[] pixels, int rows, int columns, long position, long length)
    {
        var column = (int)(position / rows);
        var row = (int)(position % rows);
        for (; length > 0; column++, row = 0)
        {
            var end = (int)Math.Min(rows, row + length);
            length -= end - row;
            for (var index = (row * columns) + column; row < end; row++, index += columns)
            {
                pixels[index] = BinaryMask.Forged;
            }
        }
    }
}
