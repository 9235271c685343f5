using LoupeGrpc.Client.Cli.Files;
using Microsoft.Extensions.FileSystemGlobbing;

namespace LoupeGrpc.Client.Cli.Inputs;

/// <summary>From the paths of a command line to items: files as they are, folders and globs expanded in place.</summary>
/// <param name="passedOver">Counts what folders and globs hold and is not analysed.</param>
/// <param name="cancellationToken">Stops looking into folders.</param>
internal sealed class PathExpander(SkippedFiles passedOver, CancellationToken cancellationToken)
{
    /// <summary>How many levels of folders `**` and folders themselves go down: as many as there are.</summary>
    private const int AllLevels = int.MaxValue;

    private readonly List<Found> _found = [];

    public static IReadOnlyList<SourceItem> Expand(IEnumerable<string> paths, SkippedFiles? passedOver = null, CancellationToken cancellationToken = default)
    {
        var expander = new PathExpander(passedOver ?? new SkippedFiles(), cancellationToken);
        foreach (var path in paths)
        {
            expander.Add(path);
        }

        var names = ArtifactNames.Of([.. expander._found.Where(found => found.Failure is null).Select(found => (found.Path, found.Base))]);
        var next = 0;
        return [.. expander._found.Select(found => found.Failure ?? (SourceItem)ToItem(found.Path, names[next++]))];
    }

    /// <param name="name">What files made from it are called; null: after the file's own name.</param>
    public static FileItem ToItem(string path, ArtifactName? name = null) =>
        new() { Path = path, Name = Path.GetFileName(path), ArtifactName = name, File = path };

    private void Add(string path)
    {
        try
        {
            switch (path.Length == 0 ? null : RegularFile.Status(path)?.Kind)
            {
                case FileKind.Folder:
                    AddFolder(path);
                    break;
                case null when path.Contains('*'):
                    AddGlob(path);
                    break;
                case null:
                    AddFailure(path, LoupeFailureCode.NotFound, "there is nothing at this path");
                    break;
                default:
                    // Named by itself: sent whatever it is called. Whether it can be read is found out when its turn comes.
                    _found.Add(new Found(path, Path.GetDirectoryName(path) ?? "", null));
                    break;
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            AddFailure(path, LoupeFailureCode.Unreadable, $"the path cannot be looked at: {error.Message}");
        }
    }

    private void AddFolder(string folder)
    {
        if (!AddFiles(folder, PictureFolder.Files(folder, AllLevels, passedOver, cancellationToken)))
        {
            AddFailure(folder, LoupeFailureCode.NotFound, "the folder holds no pictures");
        }
    }

    /// <summary>`*` within a name, `**` over folders. Every file that matches counts, whatever is in it.</summary>
    private void AddGlob(string glob)
    {
        // The part before the first wildcard is where to look; results keep it as it was given.
        var root = Path.GetDirectoryName(glob[..glob.IndexOf('*')]) ?? "/";
        var pattern = glob[root.Length..].TrimStart('/');
        var depth = pattern.Contains("**", StringComparison.Ordinal) ? AllLevels : pattern.Count(c => c == '/') + 1;
        var matcher = new Matcher(StringComparison.Ordinal).AddInclude(pattern);
        var start = root.Length == 0 ? "." : root;
        var matching = RegularFile.Status(start) is null
            ? []
            : new FolderWalk(cancellationToken).Files(start, depth)
                .Select(file => root.Length == 0 ? file with { Path = Path.GetRelativePath(".", file.Path) } : file)
                .Where(file => file.Problem is not null || file.Kind == FileKind.Link || matcher.Match(Path.GetRelativePath(start, file.Path)).HasMatches)
                .ToList();
        foreach (var file in matching.Where(file => file.Problem is null && file.Kind != FileKind.Regular))
        {
            passedOver.Add(file.Kind);
        }

        if (!AddFiles(root, matching.Where(file => file.Problem is not null || file.Kind == FileKind.Regular)))
        {
            AddFailure(glob, LoupeFailureCode.NotFound, "no file matches this pattern");
        }
    }

    /// <summary>In ordinal order of the full path.</summary>
    /// <returns>Whether there were any.</returns>
    private bool AddFiles(string root, IEnumerable<WalkedFile> files)
    {
        var before = _found.Count;
        foreach (var file in files.OrderBy(file => Path.GetFullPath(file.Path), StringComparer.Ordinal))
        {
            if (file.Problem is { } problem)
            {
                AddFailure(file.Path, LoupeFailureCode.Unreadable, problem);
            }
            else
            {
                _found.Add(new Found(file.Path, root, null));
            }
        }

        return _found.Count > before;
    }

    private void AddFailure(string path, LoupeFailureCode code, string message) =>
        _found.Add(new Found(path, "", UnreadableItem.Create(path, code, message)));

    /// <param name="Path">Of the file.</param>
    /// <param name="Base">The folder that files made from it do not repeat in their names.</param>
    /// <param name="Failure">Why there is nothing to analyse.</param>
    private sealed record Found(string Path, string Base, UnreadableItem? Failure);
}
