using System.Globalization;

namespace LoupeGrpc.Launch;

/// <summary>What must not reach a terminal or a log as it came: compiled into each program that shows text of others.</summary>
internal static class TerminalLetters
{
    /// <summary>Controls of terminals, separators of lines, and marks that turn the direction of writing: text is read in the order in which it is written.</summary>
    public static bool IsHarmful(char letter) => char.IsControl(letter)
        || char.GetUnicodeCategory(letter) is UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
        || letter is '\u061C' or '\u200E' or '\u200F' or >= '\u202A' and <= '\u202E' or >= '\u2066' and <= '\u2069';
}
