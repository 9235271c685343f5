using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using System.Text.Unicode;

namespace LoupeGrpc.Results;

/// <summary>
/// Paths as text without loss. On Linux a name is bytes, not always UTF-8. Inside this program a byte that is not part of UTF-8 is the lone surrogate
/// U+DC80 to U+DCFF, as in Python; people and programs are shown <c>\xHH</c>, and a backslash that would read as such an escape as <c>\x5c</c>.
/// </summary>
internal static partial class PathText
{
    private const char FirstByte = '\uDC80';
    private const char LastByte = '\uDCFF';

    public static string FromBytes(ReadOnlySpan<byte> bytes)
    {
        if (Utf8.IsValid(bytes))
        {
            return Encoding.UTF8.GetString(bytes);
        }

        var text = new StringBuilder(bytes.Length);
        while (!bytes.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(bytes, out var rune, out var used) == OperationStatus.Done)
            {
                text.Append(rune.ToString());
            }
            else
            {
                foreach (var stray in bytes[..used])
                {
                    text.Append((char)(0xDC00 | stray));
                }
            }

            bytes = bytes[used..];
        }

        return text.ToString();
    }

    /// <returns>What the system calls the file, with a zero behind it.</returns>
    public static byte[] ToBytes(string text)
    {
        var bytes = new List<byte>(text.Length + 8);
        Span<byte> utf8 = stackalloc byte[4];
        for (var rest = text.AsSpan(); !rest.IsEmpty;)
        {
            if (rest[0] is >= FirstByte and <= LastByte)
            {
                bytes.Add((byte)rest[0]);
                rest = rest[1..];
                continue;
            }

            Rune.DecodeFromUtf16(rest, out var rune, out var used);
            bytes.AddRange(utf8[..rune.EncodeToUtf8(utf8)]);
            rest = rest[used..];
        }

        bytes.Add(0);
        return [.. bytes];
    }

    /// <summary>The form that results and messages have. Every path has one, and no two have the same.</summary>
    public static string Show(string path)
    {
        if (Path.DirectorySeparatorChar != '/')
        {
            return path;
        }

        var text = LooksEscaped().Replace(path, @"\x5c");
        if (!text.AsSpan().ContainsAnyInRange(FirstByte, LastByte))
        {
            return text;
        }

        var shown = new StringBuilder(text.Length + 16);
        for (var rest = text.AsSpan(); !rest.IsEmpty;)
        {
            if (rest[0] is >= FirstByte and <= LastByte)
            {
                shown.Append(CultureInfo.InvariantCulture, $"\\x{rest[0] & 0xFF:x2}");
                rest = rest[1..];
                continue;
            }

            Rune.DecodeFromUtf16(rest, out _, out var used);
            shown.Append(rest[..used]);
            rest = rest[used..];
        }

        return shown.ToString();
    }

    /// <summary>Undoes <see cref="Show"/>.</summary>
    public static string Parse(string shown) => Path.DirectorySeparatorChar == '/' && shown.Contains(@"\x", StringComparison.Ordinal)
        ? Escape().Replace(shown, match =>
        {
            var value = byte.Parse(match.ValueSpan[2..], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            return ((char)(value < 0x80 ? value : 0xDC00 | value)).ToString();
        })
        : shown;

    [GeneratedRegex(@"\\(?=x[0-9a-f]{2})")]
    private static partial Regex LooksEscaped();

    [GeneratedRegex(@"\\x[0-9a-f]{2}")]
    private static partial Regex Escape();
}
