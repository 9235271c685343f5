using System.Globalization;

namespace LoupeGrpc.Client.Cli.Files;

/// <summary>What stood in folders and was not analysed: counted, so that nobody takes silence for an answer. Not thread-safe.</summary>
internal sealed class SkippedFiles
{
    private readonly SortedDictionary<FileKind, int> _counts = [];

    /// <param name="kind">A regular file is one that is no picture, a link one to a folder.</param>
    public void Add(FileKind kind) => _counts[kind] = _counts.GetValueOrDefault(kind) + 1;

    /// <summary>One sentence for people; null when nothing was passed over.</summary>
    public string? Text => _counts.Count == 0 ? null : string.Join("; ", _counts.Select(count => Describe(count.Key, count.Value)));

    private static string Describe(FileKind kind, int count)
    {
        var one = count == 1;
        var what = kind switch
        {
            FileKind.Regular => one ? "file was not a picture" : "files were not pictures",
            FileKind.Link => one ? "link to a folder was not followed" : "links to folders were not followed",
            FileKind.Pipe => one ? "named pipe was passed over" : "named pipes were passed over",
            FileKind.Socket => one ? "socket was passed over" : "sockets were passed over",
            FileKind.Nothing => one ? "link led nowhere" : "links led nowhere",
            FileKind.Device => one ? "device was passed over" : "devices were passed over",
            _ => one ? "entry of an unknown kind was passed over" : "entries of unknown kinds were passed over",
        };
        return string.Create(CultureInfo.InvariantCulture, $"{count} {what}");
    }
}
