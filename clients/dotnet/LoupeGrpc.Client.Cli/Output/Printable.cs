using System.Globalization;
using LoupeGrpc.Client.Cli.Inputs.Files;

namespace LoupeGrpc.Client.Cli.Output;

/// <summary>
/// Text for a terminal: a name must not be able to move the cursor, change colours, or be read in another order than it is written. Bytes that are not
/// UTF-8 are shown as <see cref="PathText"/> shows them.
/// </summary>
internal static class Printable
{
    public static string Text(string text)
    {
        var shown = text.Any(char.IsSurrogate) ? PathText.Show(text) : text;
        return shown.Any(IsHarmful)
            ? string.Create(shown.Length, shown, static (span, source) =>
            {
                for (var i = 0; i < span.Length; i++)
                {
                    span[i] = IsHarmful(source[i]) ? '\uFFFD' : source[i];
                }
            })
            : shown;
    }

    /// <summary>Controls of terminals, separators of lines, and marks that turn the direction of writing.</summary>
    private static bool IsHarmful(char c) => char.IsControl(c)
        || char.GetUnicodeCategory(c) is UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
        || c is '\u061C' or '\u200E' or '\u200F' or >= '\u202A' and <= '\u202E' or >= '\u2066' and <= '\u2069';
}
