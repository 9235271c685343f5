using LoupeGrpc.Files;

namespace LoupeGrpc.Server.Security;

/// <summary>Who else may touch a file that says who is let in. Where files have no modes nothing is asked.</summary>
internal static class FileGuard
{
    /// <returns>Why it must not be used, behind its name; null: it may.</returns>
    /// <exception cref="IOException">It is not there, or cannot be opened.</exception>
    /// <exception cref="UnauthorizedAccessException"/>
    public static string? Danger(string path) =>
        (ModeOf(path) & UnixFileMode.OtherWrite) != 0 ? $"may be written by everybody on this machine, who could let himself in: chmod o-w '{path}'" : null;

    /// <returns>What an operator should know of it; null: nothing.</returns>
    /// <param name="isSecret">Whoever reads it has what it protects.</param>
    public static string? Concern(string path, bool isSecret)
    {
        try
        {
            var mode = ModeOf(path);
            return isSecret && (mode & UnixFileMode.OtherRead) != 0 ? $"everybody on this machine may read it: chmod o-r '{path}'"
                : (mode & UnixFileMode.GroupWrite) != 0 ? $"its group may write it: chmod g-w '{path}'"
                : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Whoever reads it says so.
            return null;
        }
    }

    /// <summary>Of the file that a link leads to: a link may be written by all.</summary>
    public static UnixFileMode ModeOf(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            return UnixFileMode.None;
        }

        // Not opened: it may be a pipe, and whoever opens one waits.
        if (NamedFile.IsEmpty(path))
        {
            return File.GetUnixFileMode(path);
        }

        using var file = File.OpenHandle(path);
        return File.GetUnixFileMode(file);
    }
}
