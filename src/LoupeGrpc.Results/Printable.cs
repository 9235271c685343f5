using LoupeGrpc.Launch;

namespace LoupeGrpc.Results;

/// <summary>
/// Text for a terminal: a name must not be able to move the cursor, change colours, or be read in another order than it is written. Bytes that are not
/// UTF-8 are shown as <see cref="PathText"/> shows them.
/// </summary>
internal static class Printable
{
    public static string Text(string text) => TerminalLetters.Replaced(text.Any(char.IsSurrogate) ? PathText.Show(text) : text);
}
