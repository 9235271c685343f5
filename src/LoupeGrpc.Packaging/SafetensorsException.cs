namespace LoupeGrpc.Packaging;

/// <summary>A safetensors file that does not follow the format. The message names the file and what is wrong with it.</summary>
public sealed class SafetensorsException : Exception
{
    internal SafetensorsException(string path, string problem, Exception? inner = null)
        : base($"{path} is not a valid safetensors file: {problem}.", inner)
    {
    }
}
