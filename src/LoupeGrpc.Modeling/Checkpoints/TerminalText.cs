namespace LoupeGrpc.Modeling.Checkpoints;

/// <summary>Text that comes from a file and goes to people.</summary>
internal static class TerminalText
{
    /// <summary>The text with what a terminal would obey shown as <c>\uXXXX</c>.</summary>
    internal static string Escape(string text)
        => text.Any(char.IsControl) ? string.Concat(text.Select(c => char.IsControl(c) ? $"\\u{(int)c:x4}" : c.ToString())) : text;
}
