namespace LoupeGrpc.Engine.Imaging;

/// <summary>
/// How strongly a JPEG is compressed, told from its first quantisation table: the quality, 1 to 100, at which libjpeg's own table for luminance is as coarse.
/// What other programs call quality is numbered otherwise, and their tables are others; as coarse is as coarse.
/// </summary>
internal static class JpegQuality
{
    private const int LuminanceTable = 0;

    // ITU-R T.81, table K.1, row by row.
    private static readonly int[] LuminanceValues =
    [
        16, 11, 10, 16, 24, 40, 51, 61,
        12, 12, 14, 19, 26, 58, 60, 55,
        14, 13, 16, 24, 40, 57, 69, 56,
        14, 17, 22, 29, 51, 87, 80, 62,
        18, 22, 37, 56, 68, 109, 103, 77,
        24, 35, 55, 64, 81, 104, 113, 92,
        49, 64, 78, 87, 103, 121, 120, 101,
        72, 92, 95, 98, 112, 100, 103, 99,
    ];

    // Table K.2.
    private static readonly int[] ChrominanceValues =
    [
        17, 18, 24, 47, 99, 99, 99, 99,
        18, 21, 26, 66, 99, 99, 99, 99,
        24, 26, 56, 99, 99, 99, 99, 99,
        47, 66, 99, 99, 99, 99, 99, 99,
        99, 99, 99, 99, 99, 99, 99, 99,
        99, 99, 99, 99, 99, 99, 99, 99,
        99, 99, 99, 99, 99, 99, 99, 99,
        99, 99, 99, 99, 99, 99, 99, 99,
    ];

    private static readonly int[] Sums = [.. Enumerable.Range(1, 100).Select(SumOf)];

    public static ReadOnlySpan<int> Luminance => LuminanceValues;

    public static ReadOnlySpan<int> Chrominance => ChrominanceValues;

    /// <summary>As jpeg_set_quality makes a value of a table.</summary>
    /// <param name="value">Of the table that everything is scaled from.</param>
    /// <param name="most">255 for baseline JPEG.</param>
    public static int Scale(int value, int quality, int most)
    {
        int scale = quality < 50 ? 5000 / quality : 200 - (quality * 2);
        return Math.Clamp(((value * scale) + 50) / 100, 1, most);
    }

    /// <param name="tables">Content of a DQT segment.</param>
    /// <returns>Null: the table for luminance is not in it, or not whole.</returns>
    public static int? Read(ReadOnlySpan<byte> tables)
    {
        for (; JpegTable.TryRead(tables, out var table); tables = tables[table.Length..])
        {
            if (table.Number == LuminanceTable)
            {
                return QualityOf(table);
            }
        }

        return null;
    }

    private static int QualityOf(JpegTable table)
    {
        int sum = 0;
        for (int i = 0; i < JpegTable.Coefficients; i++)
        {
            sum += table[i];
        }

        int best = 0;
        for (int i = 1; i < Sums.Length; i++)
        {
            best = Math.Abs(Sums[i] - sum) <= Math.Abs(Sums[best] - sum) ? i : best;
        }

        return best + 1;
    }

    /// <summary>Of the table for baseline JPEG.</summary>
    private static int SumOf(int quality) => LuminanceValues.Sum(value => Scale(value, quality, 255));
}
