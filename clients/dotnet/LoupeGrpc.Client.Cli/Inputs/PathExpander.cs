using Microsoft.Extensions.FileSystemGlobbing;

namespace LoupeGrpc.Client.Cli.Inputs;

/// <summary>From the paths of a command line to items: files as they are, folders and globs expanded in place.</summary>
internal static class PathExpander
{
    public static IReadOnlyList<SourceItem> Expand(IEnumerable<string> paths) => [.. paths.SelectMany(Expand)];

    public static FileItem ToItem(string path) => new() { Path = path, Name = Path.GetFileName(path), File = path };

    private static IEnumerable<SourceItem> Expand(string path)
    {
        if (Directory.Exists(path))
        {
            return ExpandFolder(path);
        }

        if (File.Exists(path))
        {
            return [ToItem(path)];
        }

        return path.Contains('*')
            ? ExpandGlob(path)
            : [UnreadableItem.Create(path, LoupeFailureCode.NotFound, "there is nothing at this path")];
    }

    private static IEnumerable<SourceItem> ExpandFolder(string folder)
    {
        try
        {
            var files = PictureFiles.In(folder);
            return files.Count > 0
                ? files.Select(ToItem)
                : [UnreadableItem.Create(folder, LoupeFailureCode.NotFound, $"the folder holds no pictures ({PictureFiles.ExtensionList})")];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return [UnreadableItem.Create(folder, LoupeFailureCode.Unreadable, $"the folder cannot be read: {error.Message}")];
        }
    }

    /// <summary>`*` within a name, `**` over folders. Every file that matches counts, whatever its extension.</summary>
    private static IEnumerable<SourceItem> ExpandGlob(string glob)
    {
        // The part before the first wildcard is where to look; results keep it as it was given.
        var root = Path.GetDirectoryName(glob[..glob.IndexOf('*')]) ?? "/";
        var pattern = glob[root.Length..].TrimStart('/');
        var matcher = new Matcher(StringComparison.Ordinal).AddInclude(pattern);
        try
        {
            var files = matcher.Execute(new Microsoft.Extensions.FileSystemGlobbing.Abstractions.DirectoryInfoWrapper(new DirectoryInfo(root.Length == 0 ? "." : root)))
                .Files
                .Select(match => Path.Combine(root, match.Path))
                .OrderBy(Path.GetFullPath, StringComparer.Ordinal)
                .ToList();
            return files.Count > 0
                ? files.Select(ToItem)
                : [UnreadableItem.Create(glob, LoupeFailureCode.NotFound, "no file matches this pattern")];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return [UnreadableItem.Create(glob, LoupeFailureCode.Unreadable, $"the pattern cannot be followed: {error.Message}")];
        }
    }
}
