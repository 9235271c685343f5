using System.Globalization;

namespace LoupeGrpc.Launch;

/// <summary>What must not reach a terminal or a log as it came: compiled into each program that shows text of others.</summary>
internal static class TerminalLetters
{
    /// <summary>The text with U+FFFD in the place of what is harmful.</summary>
    public static string Replaced(string text) => text.Any(IsHarmful)
        ? string.Create(text.Length, text, static (span, source) =>
        {
            for (var i = 0; i < span.Length; i++)
            {
                span[i] = IsHarmful(source[i]) ? '\uFFFD' : source[i];
            }
        })
        : text;

    /// <summary>Controls of terminals, separators of lines, and marks that turn the direction of writing: text is read in the order in which it is written.</summary>
    public static bool IsHarmful(char letter) => char.IsControl(letter)
        || char.GetUnicodeCategory(letter) is UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
        || letter is '\u061C' or '\u200E' or '\u200F' or >= '\u202A' and <= '\u202E' or >= '\u2066' and <= '\u2069';
}
