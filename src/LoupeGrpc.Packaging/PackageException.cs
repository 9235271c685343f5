namespace LoupeGrpc.Packaging;

/// <summary>A model package cannot be used, or cannot be written where it was asked for. The message is one sentence for the operator.</summary>
public sealed class PackageException : Exception
{
    public PackageException()
    {
    }

    public PackageException(string message)
        : base(message)
    {
    }

    public PackageException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
