using LoupeGrpc.Client.Cli.Files;
using LoupeGrpc.Files;

namespace LoupeGrpc.Client.Cli.Artifacts;

/// <summary>A folder of PNG files named after their inputs, with the folders of these.</summary>
internal sealed class ArtifactFolder
{
    private readonly HashSet<string> _ready = new(StringComparer.Ordinal);

    /// <exception cref="IOException">Or <see cref="UnauthorizedAccessException"/>: it cannot be made.</exception>
    public ArtifactFolder(string path)
    {
        Path = path;
        Prepare(path);
    }

    public string Path { get; }

    /// <summary>Files written so far.</summary>
    public long Written { get; private set; }

    public string FileOf(string stem) => System.IO.Path.Combine(Path, $"{stem}.png");

    /// <summary>Whole, or not at all: then one of its name from an earlier run, which belongs to another result, is gone.</summary>
    /// <returns>The file.</returns>
    /// <exception cref="IOException">It was not written; the message says which and why.</exception>
    public string Save(string stem, Action<Stream> write)
    {
        var file = FileOf(stem);
        try
        {
            Prepare(System.IO.Path.GetDirectoryName(file)!);
            AtomicFile.Write(file, write);
            Written++;
            return file;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            Remove(stem);
            throw FileErrors.Of(error, $"{file} was not written");
        }
    }

    /// <summary>A file of an earlier run must not stay beside a result that has none.</summary>
    /// <exception cref="IOException">It is still there; the message says which and why.</exception>
    public void Remove(string stem)
    {
        var file = FileOf(stem);
        try
        {
            if (File.Exists(file))
            {
                File.Delete(file);
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw FileErrors.Of(error, $"{file} belongs to an earlier run and was not removed");
        }
    }

    private void Prepare(string folder)
    {
        if (_ready.Add(folder))
        {
            Directory.CreateDirectory(folder);
            AtomicFile.Sweep(folder);
        }
    }
}
