using LoupeGrpc.Client.Cli.Files;
using LoupeGrpc.Client.Cli.Hosting;
using LoupeGrpc.Files;

namespace LoupeGrpc.Client.Cli.Artifacts;

/// <summary>A file written at the end of a run, whole or not at all; an older one of its name stays until then.</summary>
internal sealed class OutputFile
{
    private OutputFile(string path) => Path = path;

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
            var full = System.IO.Path.GetFullPath(path);
            if (Directory.Exists(full))
            {
                throw new IOException("It is a folder.");
            }

            new AtomicFile(full).Dispose();
            AtomicFile.Sweep(System.IO.Path.GetDirectoryName(full)!);
            return new OutputFile(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw CliException.Usage($"{option} {path}: cannot be written: {FileErrors.Reason(error)}");
        }
    }

    /// <exception cref="IOException">Or <see cref="UnauthorizedAccessException"/>: nothing was written.</exception>
    public void Write(ReadOnlySpan<byte> data)
    {
        using var file = new AtomicFile(Path);
        file.Content.Write(data);
        file.Commit();
    }

    /// <inheritdoc cref="Write(ReadOnlySpan{byte})"/>
    public void Write(Action<Stream> write) => AtomicFile.Write(Path, write);

    /// <summary>Room on the same disk for what is collected until it is written. Disposing removes it.</summary>
    /// <exception cref="IOException">Or <see cref="UnauthorizedAccessException"/>: nothing can be written there.</exception>
    public AtomicFile CreateSpool() => new(Path);
}
