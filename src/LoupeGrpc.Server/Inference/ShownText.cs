using LoupeGrpc.Launch;

namespace LoupeGrpc.Server.Inference;

/// <summary>A name that anybody may have sent, in a message: as much of it as a name may have, and nothing that drives a terminal.</summary>
internal static class ShownText
{
    private const int MaxLength = 64;

    public static string Of(string text) =>
        string.Concat(text.Take(MaxLength).Select(static letter => TerminalLetters.IsHarmful(letter) || char.IsSurrogate(letter) ? '\uFFFD' : letter)) + (text.Length > MaxLength ? "…" : "");
}
