using System.Buffers.Binary;

namespace LoupeGrpc.Engine.Imaging;

/// <summary>What a PNG's rows take, uncompressed: more is never needed, whatever its data inflate to.</summary>
/// <param name="Bytes">With the filter byte of each row; saturates.</param>
/// <param name="Rows">Of all passes of an interlaced picture.</param>
internal readonly record struct PngRows(long Bytes, long Rows)
{
    private const int InterlaceOffset = 12;

    // A stored block holds no more than the bytes it is made of, but writers may begin one with every row and flush in between.
    private const int OverheadOfRow = 32;
    private const int OverheadOfStream = 4096;

    // Adam7: first column and row, steps.
    private static ReadOnlySpan<byte> Passes => [0, 0, 8, 8, 4, 0, 8, 8, 0, 4, 4, 8, 2, 0, 4, 4, 0, 2, 2, 4, 1, 0, 2, 2, 0, 1, 1, 2];

    /// <summary>Bytes that no honest writer's compressed data exceed.</summary>
    public long MostCompressed => Bytes + (Bytes / 8) + (Rows * OverheadOfRow) + OverheadOfStream;

    /// <param name="header">Content of IHDR, checked.</param>
    public static PngRows Measure(ReadOnlySpan<byte> header)
    {
        long width = BinaryPrimitives.ReadUInt32BigEndian(header);
        long height = BinaryPrimitives.ReadUInt32BigEndian(header[4..]);
        int bitsOfPixel = header[8] * header[9] switch { 2 => 3, 4 => 2, 6 => 4, _ => 1 };
        if (header[InterlaceOffset] == 0)
        {
            return Of(width, height, bitsOfPixel);
        }

        var all = default(PngRows);
        for (int i = 0; i < Passes.Length; i += 4)
        {
            var pass = Of(
                DivideUp(width - Passes[i], Passes[i + 2]), DivideUp(height - Passes[i + 1], Passes[i + 3]), bitsOfPixel);
            all = new PngRows(all.Bytes + pass.Bytes, all.Rows + pass.Rows);
        }

        return all;
    }

    // Both sides are below 2³¹: 64 bits hold a row, and the limits refuse what a product could overflow with.
    private static PngRows Of(long width, long height, int bitsOfPixel)
    {
        if (width <= 0 || height <= 0)
        {
            return default;
        }

        long row = 1 + DivideUp(width * bitsOfPixel, 8);
        return new PngRows(row > long.MaxValue / 32 / height ? long.MaxValue / 32 : row * height, height);
    }

    private static long DivideUp(long value, long by) => value <= 0 ? 0 : (value + by - 1) / by;
}
