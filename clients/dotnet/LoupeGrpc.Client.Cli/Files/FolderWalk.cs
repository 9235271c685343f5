namespace LoupeGrpc.Client.Cli.Files;

/// <summary>
/// The files below a folder. Links to folders are not followed, since they may lead in circles; links to files are. A folder that cannot be read costs
/// itself alone.
/// </summary>
/// <param name="cancellationToken">Stops between two entries.</param>
internal sealed class FolderWalk(CancellationToken cancellationToken)
{
    /// <param name="root">Followed where it is a link itself.</param>
    /// <param name="depth">How many levels of folders are entered, the root's own among them.</param>
    /// <returns>In no order.</returns>
    public List<WalkedFile> Files(string root, int depth)
    {
        var files = new List<WalkedFile>();
        var open = new Stack<(string Folder, int Depth)>([(root, depth)]);
        while (open.TryPop(out var next))
        {
            try
            {
                foreach (var entry in Folder.List(next.Folder))
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    var path = Path.Join(next.Folder, entry.Name);
                    var file = entry.Kind == FileKind.Link ? Follow(path) : new WalkedFile(path, entry.Kind);
                    if (file.Kind is not (FileKind.Folder or FileKind.Link))
                    {
                        files.Add(file);
                    }
                    else if (next.Depth > 1 && file.Kind == FileKind.Folder)
                    {
                        open.Push((path, next.Depth - 1));
                    }
                    else if (next.Depth > 1)
                    {
                        files.Add(file);
                    }
                }
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                files.Add(new WalkedFile(next.Folder, FileKind.Folder, $"the folder cannot be read: {error.Message}"));
            }
        }

        return files;
    }

    private static WalkedFile Follow(string path)
    {
        try
        {
            return RegularFile.Status(path)?.Kind switch
            {
                FileKind.Folder => new WalkedFile(path, FileKind.Link),
                null when PictureKind.IsNamedLikePicture(path) => new WalkedFile(path, FileKind.Nothing, "the link leads nowhere"),
                null => new WalkedFile(path, FileKind.Nothing),
                { } kind => new WalkedFile(path, kind),
            };
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return new WalkedFile(path, FileKind.Nothing, $"the link cannot be followed: {error.Message}");
        }
    }
}

/// <summary>What a walk met, but for the folders that it went through.</summary>
/// <param name="Path">Below the root that was walked, and beginning with it.</param>
/// <param name="Kind">Of what a link leads to; <see cref="FileKind.Link"/> for one to a folder, <see cref="FileKind.Nothing"/> for one that leads nowhere.</param>
/// <param name="Problem">Why it cannot be analysed, for its row; null: nothing is known against it.</param>
internal readonly record struct WalkedFile(string Path, FileKind Kind, string? Problem = null);
