namespace LoupeGrpc.Files;

/// <summary>
/// A file that is being written beside its place and put there at the end: under its name stands the older file or the whole new one, also when the
/// program is killed or the disk is full. What a killed program leaves is removed by the next one that writes into the folder. It belongs to whom the older file
/// belonged to, as far as the writer may give it away.
/// </summary>
/// <remarks>
/// No twin of <c>StagingDirectory</c> in Modeling: that puts a directory in place, which no single rename replaces, keeps a lock file beside it and may have to
/// bring back what it replaced; a file carries its own lock, and is replaced by one rename.
/// </remarks>
public sealed class AtomicFile : IDisposable
{
    private const string Prefix = ".loupe-";
    private const string Suffix = ".partial";

    private readonly string _path;
    private readonly string _temporary;
    private readonly FileStream _stream;

    /// <param name="path">Its folder exists.</param>
    /// <param name="mode">Who may do what with it; null: as the system has it for new files.</param>
    /// <exception cref="IOException">Or <see cref="UnauthorizedAccessException"/>: nothing can be written there.</exception>
    public AtomicFile(string path, UnixFileMode? mode = null)
    {
        _path = Path.GetFullPath(path);
        var folder = Path.GetDirectoryName(_path) ?? throw new IOException("It is not the name of a file.");
        if (!Directory.Exists(folder))
        {
            // In the system's words, and of the file that was asked for.
            throw new DirectoryNotFoundException($"Could not find a part of the path '{_path}'.");
        }

        _temporary = Path.Combine(folder, $"{Prefix}{Guid.NewGuid():N}{Suffix}");
        // Locked as long as it is open: whoever can lock it may remove it.
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, Share = FileShare.None };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = mode;
        }

        _stream = new FileStream(_temporary, options);
    }

    public Stream Content => _stream;

    /// <exception cref="IOException">Or <see cref="UnauthorizedAccessException"/>: nothing was written.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        using var file = new AtomicFile(path);
        write(file.Content);
        file.Commit();
    }

    /// <inheritdoc cref="Write(string, Action{Stream})"/>
    public static void Write(string path, ReadOnlyMemory<byte> data) => Write(path, stream => stream.Write(data.Span));

    /// <summary>Removes what killed programs left in a folder.</summary>
    public static void Sweep(string folder)
    {
        foreach (var left in Directory.EnumerateFiles(folder, $"{Prefix}*{Suffix}"))
        {
            try
            {
                using var locked = new FileStream(left, FileMode.Open, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // Another program is writing it.
            }
        }
    }

    /// <summary>Puts the file in its place.</summary>
    /// <inheritdoc cref="Write(string, Action{Stream})" path="/exception"/>
    public void Commit()
    {
        FileOwner.Copy(_path, _temporary);
        _stream.Flush(flushToDisk: true);
        _stream.Dispose();
        File.Move(_temporary, _path, overwrite: true);
    }

    /// <summary>Leaves nothing behind of a file that was not put in its place.</summary>
    public void Dispose()
    {
        try
        {
            _stream.Dispose();
        }
        catch (IOException)
        {
            // A full disk, again: what was buffered is not wanted any more.
        }

        File.Delete(_temporary);
    }
}
