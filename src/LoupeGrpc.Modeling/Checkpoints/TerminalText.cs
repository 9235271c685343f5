using LoupeGrpc.Launch;

namespace LoupeGrpc.Modeling.Checkpoints;

/// <summary>Text that comes from a file and goes to people.</summary>
internal static class TerminalText
{
    /// <summary>The text with what is harmful shown as <c>\uXXXX</c>, so that a file cannot control the terminal that shows it.</summary>
    internal static string Escape(string text)
        => text.Any(TerminalLetters.IsHarmful) ? string.Concat(text.Select(c => TerminalLetters.IsHarmful(c) ? $"\\u{(int)c:x4}" : c.ToString())) : text;
}
