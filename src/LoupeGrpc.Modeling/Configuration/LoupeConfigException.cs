namespace LoupeGrpc.Modeling.Configuration;

/// <summary>A model configuration that does not fit. The message names the file and holds every mistake, one a line.</summary>
public sealed class LoupeConfigException : Exception
{
    internal LoupeConfigException(string path, IReadOnlyList<string> mistakes, Exception? inner = null)
        : base(mistakes is [var only] ? $"{path}: {only}" : $"{path}:{string.Concat(mistakes.Select(mistake => $"\n  {mistake}"))}", inner)
    {
        Mistakes = mistakes;
    }

    /// <summary>Each names a setting, its value and what is allowed.</summary>
    public IReadOnlyList<string> Mistakes { get; }
}
