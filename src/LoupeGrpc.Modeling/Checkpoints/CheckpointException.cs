namespace LoupeGrpc.Modeling.Checkpoints;

/// <summary>A checkpoint that cannot be read, or that does not hold what the model needs. The message names the file or the tensor, and what is wrong.</summary>
public sealed class CheckpointException : Exception
{
    internal CheckpointException(string message, Exception? inner = null)
        : base(TerminalText.Escape(message), inner)
    {
    }

    /// <summary>Several errors, one a line below the summary.</summary>
    internal CheckpointException(string summary, IReadOnlyList<string> errors)
        : base($"{TerminalText.Escape(summary)}{string.Concat(errors.Select(static error => $"\n  {TerminalText.Escape(error)}"))}")
    {
    }

    /// <summary>A file that is damaged, of another kind, or refused.</summary>
    internal static CheckpointException InFile(string path, string problem, Exception? inner = null) => new($"{path}: {problem}", inner);
}
