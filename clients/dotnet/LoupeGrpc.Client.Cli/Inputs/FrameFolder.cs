using LoupeGrpc.Client.Cli.Files;

namespace LoupeGrpc.Client.Cli.Inputs;

/// <summary>A folder of frames, or a single picture, as a stream: in natural order of the names, at the rate that someone assumed.</summary>
internal static class FrameFolder
{
    /// <summary>What the frames are taken to be when `--fps` does not say.</summary>
    private const double FramesPerSecond = 25;

    /// <param name="folder">Without those below it.</param>
    public static ItemListSource Open(string folder, SamplingOptions sampling, CancellationToken cancellationToken)
    {
        var passedOver = new SkippedFiles();
        var files = PictureFolder.Files(folder, depth: 1, passedOver, cancellationToken)
            .OrderBy(file => Path.GetFileName(file.Path), NaturalOrder.Instance)
            .ToList();
        return files.Count > 0
            ? Frames(folder, files, sampling, passedOver, isFolder: true)
            : new ItemListSource(folder, [UnreadableItem.Create(folder, LoupeFailureCode.NotFound, "the folder holds no frames")], passedOver);
    }

    public static ItemListSource OpenPicture(string path, SamplingOptions sampling) =>
        Frames(path, [new WalkedFile(path, FileKind.Regular)], sampling, new SkippedFiles(), isFolder: false);

    private static ItemListSource Frames(string source, List<WalkedFile> files, SamplingOptions sampling, SkippedFiles passedOver, bool isFolder)
    {
        var fps = sampling.PerSecond ?? FramesPerSecond;
        var started = sampling.Time.GetUtcNow();
        var names = ArtifactNames.Of([.. files.Select(file => (file.Path, Path.GetDirectoryName(file.Path) ?? ""))]);
        var items = files.Take((int)Math.Min(sampling.MaxFrames, files.Count)).Select(SourceItem (file, index) => file.Problem is { } problem
            ? new UnreadableItem
            {
                Path = source,
                Name = Path.GetFileName(file.Path),
                ArtifactName = names[index],
                Source = isFolder && file.Path != source ? file.Path : null,
                TimeSeconds = index / fps,
                Code = LoupeFailureCode.Unreadable,
                Message = problem,
            }
            : new FileItem
            {
                Path = source,
                Name = Path.GetFileName(file.Path),
                ArtifactName = names[index],
                Source = isFolder ? file.Path : null,
                File = file.Path,
                TimeSeconds = index / fps,
                CaptureTime = started.AddSeconds(index / fps),
            });
        return new ItemListSource(source, [.. items], passedOver);
    }
}
