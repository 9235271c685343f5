namespace LoupeGrpc.Client.Cli.Files;

/// <summary>Failures of files that are told with the file's own name instead of that of a temporary one.</summary>
internal static class FileErrors
{
    /// <param name="error">An <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/>.</param>
    /// <param name="what">The file, and what was not done.</param>
    public static IOException Of(Exception error, string what) => new($"{what}: {Reason(error)}", error);

    /// <summary>Why, without the name of a file.</summary>
    public static string Reason(Exception error) => error switch
    {
        UnauthorizedAccessException => "permission denied",
        DirectoryNotFoundException => "there is no such folder",
        // .NET adds ` : 'path'`.
        _ => error.Message.Split(" : '")[0].TrimEnd('.'),
    };
}
