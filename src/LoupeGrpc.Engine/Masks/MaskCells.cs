namespace LoupeGrpc.Engine.Masks;

/// <summary>How the forged pixels of a mask spread over a grid of cells.</summary>
internal static class MaskCells
{
    /// <param name="mask">[height, width], 1 where forged, else 0.</param>
    /// <returns>Forged pixels of each cell, row by row. A pixel is in the cell in which its upper left corner lies; the cells are of one size, give or take a pixel.</returns>
    public static long[] Count(ReadOnlySpan<byte> mask, int width, int columns, int rows)
    {
        var counts = new long[columns * rows];
        int height = mask.Length / width;
        for (int y = 0; y < height; y++)
        {
            var line = mask.Slice(y * width, width);
            var cells = counts.AsSpan((int)((long)y * rows / height) * columns, columns);
            for (int column = 0; column < columns; column++)
            {
                // The first pixels whose share of the width reaches this column's, and the next one's.
                int start = FirstOf(column);
                cells[column] += line[start..FirstOf(column + 1)].Count((byte)1);
            }
        }

        return counts;

        int FirstOf(int column) => (int)((((long)column * width) + columns - 1) / columns);
    }
}
