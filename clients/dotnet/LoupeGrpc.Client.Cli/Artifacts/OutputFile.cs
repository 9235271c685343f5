using LoupeGrpc.Client.Cli.CommandLine;

namespace LoupeGrpc.Client.Cli.Artifacts;

/// <summary>A file written at the end of a run, whole or not at all; an older one of its name stays until then.</summary>
internal sealed class OutputFile
{
    private readonly string _folder;

    private OutputFile(string path)
    {
        Path = path;
        var full = System.IO.Path.GetFullPath(path);
        _folder = System.IO.Path.GetDirectoryName(full) ?? throw new IOException("it is no file name");
        if (Directory.Exists(full))
        {
            throw new IOException("it is a folder");
        }
    }

    /// <summary>As given.</summary>
    public string Path { get; }

    /// <summary>Finds out now whether the file can be written later.</summary>
    /// <param name="option">What asked for it.</param>
    /// <param name="path">The file.</param>
    /// <exception cref="CliException">It cannot.</exception>
    public static OutputFile Reserve(string option, string path)
    {
        try
        {
            var file = new OutputFile(path);
            using var probe = new FileStream(file.TemporaryName(), FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose);
            return file;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw CliException.Usage($"{option} {path}: cannot be written: {error.Message}");
        }
    }

    /// <exception cref="IOException">Or <see cref="UnauthorizedAccessException"/>: nothing was written.</exception>
    public void Write(ReadOnlySpan<byte> data)
    {
        var temporary = TemporaryName();
        try
        {
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write))
            {
                stream.Write(data);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, System.IO.Path.GetFullPath(Path), overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    private string TemporaryName() => System.IO.Path.Combine(_folder, $".{System.IO.Path.GetFileName(Path)}.{Guid.NewGuid():N}");
}
