using LoupeGrpc.Client.Cli.Files;
using LoupeGrpc.Client.Cli.Hosting;

namespace LoupeGrpc.Client.Cli.Evaluating;

/// <summary>Pictures in two folders, authentic ones and forged ones, and the masks of the latter.</summary>
internal static class TruthFolders
{
    private const string MaskEnding = ".mask.png";

    private static readonly Dictionary<string, string> NoColumns = [];

    /// <param name="authentic">Searched with the folders below it.</param>
    /// <param name="forged">Likewise.</param>
    /// <param name="masks">Holds, under the same name and folders below it, a PNG for each forged picture; null: beside each picture, as NAME.mask.png.</param>
    /// <param name="cancellationToken">Stops looking into folders.</param>
    /// <exception cref="CliException">A folder cannot be read.</exception>
    public static IReadOnlyList<TruthCase> Read(string authentic, string forged, string? masks, CancellationToken cancellationToken) =>
    [
        .. Files(authentic, "--authentic", cancellationToken).Select(static file => new TruthCase(file, false, null, NoColumns)),
        .. Files(forged, "--forged", cancellationToken).Select(file => new TruthCase(file, true, MaskOf(file, forged, masks), NoColumns)),
    ];

    private static IEnumerable<string> Files(string folder, string option, CancellationToken cancellationToken)
    {
        if (!Directory.Exists(folder))
        {
            throw CliException.Usage($"{option} {folder}: there is no such folder");
        }

        var files = PictureFolder.Files(folder, int.MaxValue, new SkippedFiles(), cancellationToken).ToList();
        if (files.FirstOrDefault(static file => file.Problem is not null) is { Problem: { } problem } unread)
        {
            throw CliException.Usage($"{option}: {PathText.Show(unread.Path)}: {problem}");
        }

        return files.Select(static file => file.Path)
            .Where(static file => !file.EndsWith(MaskEnding, StringComparison.OrdinalIgnoreCase))
            .OrderBy(static file => file, StringComparer.Ordinal);
    }

    private static string? MaskOf(string file, string forged, string? masks)
    {
        string[] candidates = masks is null
            ? [Path.ChangeExtension(file, MaskEnding)]
            : [.. new[] { ".png", MaskEnding }.Select(ending => Path.Combine(masks, Path.ChangeExtension(Path.GetRelativePath(forged, file), ending)))];
        return candidates.FirstOrDefault(File.Exists);
    }
}
