using System.Globalization;

namespace LoupeGrpc.Engine.Configuration;

/// <summary>Numbers of bytes as people write them: <c>1048576</c>, <c>1MiB</c>, <c>1 MiB</c>.</summary>
public static class ByteText
{
    private static readonly string[] Units = ["KiB", "MiB", "GiB", "TiB"];

    /// <summary>With the largest unit that leaves a whole number.</summary>
    public static string Format(long bytes)
    {
        var unit = -1;
        while (bytes != 0 && bytes % 1024 == 0 && unit + 1 < Units.Length)
        {
            bytes /= 1024;
            unit++;
        }

        return string.Create(CultureInfo.InvariantCulture, $"{bytes}{(unit < 0 ? string.Empty : " " + Units[unit])}");
    }

    public static bool TryParse(string text, out long bytes)
    {
        var number = text.AsSpan().Trim();
        var shift = 0;
        for (var unit = 0; unit < Units.Length; unit++)
        {
            if (number.EndsWith(Units[unit], StringComparison.OrdinalIgnoreCase))
            {
                number = number[..^Units[unit].Length].TrimEnd();
                shift = 10 * (unit + 1);
                break;
            }
        }

        if (!long.TryParse(number, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out bytes) || Math.Abs((decimal)bytes) > long.MaxValue >> shift)
        {
            return false;
        }

        bytes <<= shift;
        return true;
    }
}
