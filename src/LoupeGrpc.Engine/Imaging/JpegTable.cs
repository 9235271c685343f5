namespace LoupeGrpc.Engine.Imaging;

/// <summary>A quantisation table of a JPEG, as its segment (DQT) has it.</summary>
internal readonly ref struct JpegTable
{
    public const int Coefficients = 64;

    private readonly ReadOnlySpan<byte> _values;

    private JpegTable(int number, bool isWide, ReadOnlySpan<byte> values)
    {
        Number = number;
        IsWide = isWide;
        _values = values;
    }

    /// <summary>0 to 15; those of valid files end at 3.</summary>
    public int Number { get; }

    /// <summary>Values of two bytes.</summary>
    public bool IsWide { get; }

    /// <summary>Bytes in the segment.</summary>
    public int Length => 1 + _values.Length;

    /// <param name="index">In the order of the file, 0 to 63.</param>
    public int this[int index] => IsWide ? (_values[2 * index] << 8) | _values[(2 * index) + 1] : _values[index];

    /// <param name="tables">Content of a segment, or what is left of it, or of the file, from a table on.</param>
    /// <returns>False: no whole table is left.</returns>
    public static bool TryRead(ReadOnlySpan<byte> tables, out JpegTable table)
    {
        table = default;
        bool isWide = tables.Length > 0 && tables[0] >> 4 != 0;
        int length = Coefficients * (isWide ? 2 : 1);
        if (tables.Length < 1 + length)
        {
            return false;
        }

        table = new JpegTable(tables[0] & 15, isWide, tables.Slice(1, length));
        return true;
    }
}
