using System.IO.Enumeration;

namespace LoupeGrpc.Client.Cli.Files;

/// <summary>The names in one folder.</summary>
internal static class Folder
{
    /// <exception cref="IOException">Or <see cref="UnauthorizedAccessException"/>: the folder cannot be read.</exception>
    public static IReadOnlyList<FolderEntry> List(string folder)
    {
        if (!OperatingSystem.IsLinux())
        {
            return [.. Portable(folder)];
        }

        var entries = LinuxFiles.List(folder);
        for (var i = 0; i < entries.Count; i++)
        {
            if (entries[i].Kind == FileKind.Unknown)
            {
                entries[i] = entries[i] with { Kind = LinuxFiles.Status(Path.Join(folder, entries[i].Name), follow: false)?.Kind ?? FileKind.Unknown };
            }
        }

        return entries;
    }

    private static FileSystemEnumerable<FolderEntry> Portable(string folder) => new(
        folder,
        (ref entry) => new FolderEntry(
            entry.FileName.ToString(),
            entry.Attributes.HasFlag(FileAttributes.ReparsePoint) ? FileKind.Link : entry.IsDirectory ? FileKind.Folder : FileKind.Regular),
        new EnumerationOptions { AttributesToSkip = 0, IgnoreInaccessible = false });
}
