using LoupeGrpc.Modeling.Checkpoints;

namespace LoupeGrpc.Modeling.Configuration;

/// <summary>A model configuration that does not fit. The message names the file and holds every error, one a line.</summary>
public sealed class LoupeConfigException : Exception
{
    internal LoupeConfigException(string path, IReadOnlyList<string> errors, Exception? inner = null)
        : base(Describe(path, [.. errors.Select(TerminalText.Escape)]), inner)
    {
        Errors = [.. errors.Select(TerminalText.Escape)];
    }

    /// <summary>Each names a setting, its value and what is allowed.</summary>
    public IReadOnlyList<string> Errors { get; }

    private static string Describe(string path, IReadOnlyList<string> errors)
        => errors is [var only] ? $"{path}: {only}" : $"{path}:{string.Concat(errors.Select(error => $"\n  {error}"))}";
}
