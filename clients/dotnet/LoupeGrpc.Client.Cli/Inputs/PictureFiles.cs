using System.IO.Enumeration;

namespace LoupeGrpc.Client.Cli.Inputs;

/// <summary>Finds the pictures in folders.</summary>
internal static class PictureFiles
{
    private static readonly HashSet<string> Extensions = new(StringComparer.OrdinalIgnoreCase)
    {
        ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".dib", ".tif", ".tiff",
    };

    /// <summary>For messages.</summary>
    public static string ExtensionList { get; } = string.Join(' ', Extensions);

    public static bool IsPicture(ReadOnlySpan<char> path) =>
        Extensions.GetAlternateLookup<ReadOnlySpan<char>>().Contains(Path.GetExtension(path));

    /// <summary>
    /// The pictures of a folder and of those below it, in ordinal order of the full path. Links to folders are not followed: they may lead in circles.
    /// </summary>
    /// <exception cref="IOException">A folder cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">A folder must not be read.</exception>
    public static IReadOnlyList<string> In(string folder, bool recursive = true)
    {
        var files = new FileSystemEnumerable<string>(
            folder,
            (ref entry) => entry.ToSpecifiedFullPath(),
            new EnumerationOptions { RecurseSubdirectories = recursive, AttributesToSkip = 0, IgnoreInaccessible = false })
        {
            ShouldIncludePredicate = (ref entry) => !entry.IsDirectory && IsPicture(entry.FileName),
            ShouldRecursePredicate = (ref entry) => !entry.Attributes.HasFlag(FileAttributes.ReparsePoint),
        };
        return [.. files.OrderBy(Path.GetFullPath, StringComparer.Ordinal)];
    }
}
