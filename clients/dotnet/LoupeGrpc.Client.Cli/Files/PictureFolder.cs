namespace LoupeGrpc.Client.Cli.Files;

/// <summary>The pictures in folders: files named like one, and those that begin like one whatever they are called.</summary>
internal static class PictureFolder
{
    /// <param name="depth">How many levels of folders are entered, the folder itself among them.</param>
    /// <returns>In no order; folders and files that cannot be read with the reason.</returns>
    public static IEnumerable<WalkedFile> Files(string folder, int depth, SkippedFiles passedOver, CancellationToken cancellationToken)
    {
        foreach (var file in new FolderWalk(cancellationToken).Files(folder, depth))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (file.Problem is null && file.Kind != FileKind.Regular)
            {
                passedOver.Add(file.Kind);
                continue;
            }

            if (file.Problem is not null || PictureKind.IsNamedLikePicture(file.Path))
            {
                yield return file;
                continue;
            }

            bool isPicture;
            string? problem = null;
            try
            {
                isPicture = PictureKind.IsPicture(file.Path);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                (isPicture, problem) = (true, $"the file cannot be read: {error.Message}");
            }

            if (isPicture)
            {
                yield return file with { Problem = problem };
            }
            else
            {
                passedOver.Add(FileKind.Regular);
            }
        }
    }
}
