namespace LoupeGrpc.Client.Cli.Output;

/// <summary>Text for a terminal: a file name must not be able to move the cursor or change colours.</summary>
internal static class Printable
{
    public static string Text(string text) => text.Any(char.IsControl)
        ? string.Create(text.Length, text, static (span, source) =>
        {
            for (var i = 0; i < span.Length; i++)
            {
                span[i] = char.IsControl(source[i]) ? '\uFFFD' : source[i];
            }
        })
        : text;
}
