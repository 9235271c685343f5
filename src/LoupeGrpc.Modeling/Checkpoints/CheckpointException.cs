namespace LoupeGrpc.Modeling.Checkpoints;

/// <summary>A checkpoint that cannot be read, or that does not hold what the model needs. The message names the file or the tensor, and what is wrong.</summary>
public sealed class CheckpointException : Exception
{
    internal CheckpointException(string message, Exception? inner = null)
        : base(TerminalText.Escape(message), inner)
    {
    }

    /// <summary>A file that is damaged, of another kind, or refused.</summary>
    internal static CheckpointException InFile(string path, string problem, Exception? inner = null) => new($"{path}: {problem}", inner);

    /// <summary>A tensor that the model needs and that no file has.</summary>
    /// <param name="name">Bare name.</param>
    internal static CheckpointException Missing(string name)
        => new($"tensor {name} is missing: no weights file has it (parts that were frozen in training stand in other files; give those too)");

    /// <summary>A tensor whose shape is not the one that the configuration asks for.</summary>
    internal static CheckpointException WrongShape(TensorInfo tensor, IReadOnlyList<long> expected)
        => new($"tensor {tensor.Name} has shape [{string.Join(", ", tensor.Shape)}], the configuration asks for [{string.Join(", ", expected)}] (from {tensor.Source})");
}
