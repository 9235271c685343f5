using LoupeGrpc.Modeling.Checkpoints;

namespace LoupeGrpc.Modeling.Configuration;

/// <summary>A model configuration that does not fit. The message names the file and holds every mistake, one a line.</summary>
public sealed class LoupeConfigException : Exception
{
    internal LoupeConfigException(string path, IReadOnlyList<string> mistakes, Exception? inner = null)
        : base(Describe(path, [.. mistakes.Select(TerminalText.Escape)]), inner)
    {
        Mistakes = [.. mistakes.Select(TerminalText.Escape)];
    }

    /// <summary>Each names a setting, its value and what is allowed.</summary>
    public IReadOnlyList<string> Mistakes { get; }

    private static string Describe(string path, IReadOnlyList<string> mistakes)
        => mistakes is [var only] ? $"{path}: {only}" : $"{path}:{string.Concat(mistakes.Select(mistake => $"\n  {mistake}"))}";
}
