using LoupeGrpc.Client.Cli.Inputs.Files;
using LoupeGrpc.Launch;

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
        return shown.Any(TerminalLetters.IsHarmful)
            ? string.Create(shown.Length, shown, static (span, source) =>
            {
                for (var i = 0; i < span.Length; i++)
                {
                    span[i] = TerminalLetters.IsHarmful(source[i]) ? '\uFFFD' : source[i];
                }
            })
            : shown;
    }
}
