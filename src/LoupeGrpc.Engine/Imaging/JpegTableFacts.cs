using System.Runtime.CompilerServices;

namespace LoupeGrpc.Engine.Imaging;

/// <summary>Whose quantisation tables a JPEG has: whether each that its components use is what jpeg_set_quality makes, all for one quality.</summary>
internal struct JpegTableFacts
{
    private const int FrameHeaderLength = 6;
    private const int ComponentLength = 3;
    private const int MostBaseline = 255;
    private const int MostExtended = 32_767;

    // Row by row, of the place of each value in a segment.
    private static readonly byte[] Zigzag =
    [
        0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
        35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
    ];

    private Places _places;

    /// <param name="start">Of <paramref name="tables"/> in the file.</param>
    /// <param name="tables">Content of a DQT segment. A later table of a number takes the place of an earlier one.</param>
    public void Add(int start, ReadOnlySpan<byte> tables)
    {
        for (; JpegTable.TryRead(tables, out var table) && table.Number < Places.Count; tables = tables[table.Length..])
        {
            // 0 is none: a file begins with its marker.
            _places[table.Number] = start;
            start += table.Length;
        }
    }

    /// <param name="frame">Content of the frame header.</param>
    /// <returns>The quality is 0 where they are not libjpeg's.</returns>
    public readonly (JpegTables Tables, int Quality) Judge(ReadOnlySpan<byte> file, ReadOnlySpan<byte> frame)
    {
        int components = frame[5];
        if (frame.Length < FrameHeaderLength + (components * ComponentLength))
        {
            return (JpegTables.Unknown, 0);
        }

        for (int i = 0; i < components; i++)
        {
            int number = TableOf(frame, i);
            if (number >= Places.Count || _places[number] == 0)
            {
                return (JpegTables.Unknown, 0);
            }
        }

        for (int quality = 100; quality >= 1; quality--)
        {
            bool fits = true;
            for (int i = 0; fits && i < components; i++)
            {
                fits = JpegTable.TryRead(file[_places[TableOf(frame, i)]..], out var table) && (IsScaled(table, JpegQuality.Luminance, quality) || (i > 0 && IsScaled(table, JpegQuality.Chrominance, quality)));
            }

            if (fits)
            {
                return (JpegTables.Libjpeg, quality);
            }
        }

        return (JpegTables.Other, 0);
    }

    private static int TableOf(ReadOnlySpan<byte> frame, int component) => frame[FrameHeaderLength + (component * ComponentLength) + 2];

    private static bool IsScaled(JpegTable table, ReadOnlySpan<int> standard, int quality)
    {
        for (int i = 0; i < JpegTable.Coefficients; i++)
        {
            if (table[i] != JpegQuality.Scale(standard[Zigzag[i]], quality, table.IsWide ? MostExtended : MostBaseline))
            {
                return false;
            }
        }

        return true;
    }

    [InlineArray(Count)]
    private struct Places
    {
        public const int Count = 4;

        private int _first;
    }
}
