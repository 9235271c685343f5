using System.Text;

namespace LoupeGrpc.Provenance;

/// <summary>Text that a file has, made fit to be shown.</summary>
internal static class PlainText
{
    /// <summary>UTF-8 bytes.</summary>
    public const int Short = 64;

    public const int Long = 160;

    private const char Cut = '…';
    private const int CutBytes = 3;

    /// <summary>Without control characters, directions and half surrogate pairs, and no longer than so many bytes of UTF-8, an ellipsis included.</summary>
    public static string Clean(string text, int mostBytes)
    {
        var clean = new StringBuilder();
        int bytes = 0;
        int kept = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            if (Rune.IsControl(rune) || Rune.GetUnicodeCategory(rune) is System.Globalization.UnicodeCategory.Format or System.Globalization.UnicodeCategory.LineSeparator
                or System.Globalization.UnicodeCategory.ParagraphSeparator || rune == Rune.ReplacementChar)
            {
                continue;
            }

            bytes += rune.Utf8SequenceLength;
            if (bytes > mostBytes)
            {
                clean.Length = kept;
                return clean.Append(Cut).ToString();
            }

            clean.Append(rune.ToString());
            kept = bytes <= mostBytes - CutBytes ? clean.Length : kept;
        }

        return clean.ToString().Trim();
    }
}
