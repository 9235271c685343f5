namespace LoupeGrpc.Files;

/// <summary>
/// Says that something on disk is somebody's: a file that its owner holds open. It ends with the process, however that ends. Disposing removes the file.
/// </summary>
public sealed class OwnerLock : IDisposable
{
    private readonly FileStream _file;

    private OwnerLock(FileStream file) => _file = file;

    /// <exception cref="IOException">There is such a file, or it cannot be made.</exception>
    /// <exception cref="UnauthorizedAccessException">It cannot be made.</exception>
    public static OwnerLock Take(string path) => new(Open(path, FileMode.CreateNew));

    /// <summary>Whether its owner is gone. False where there is none, and where this lock shows that locks do not work here.</summary>
    /// <param name="path">Of the other lock, in the same directory as this one.</param>
    public bool IsOrphaned(string path) => !CanOpen(_file.Name) && CanOpen(path);

    /// <inheritdoc/>
    public void Dispose()
    {
        // Removed while it is held: nobody can take it for an orphan's in between.
        File.Delete(_file.Name);
        _file.Dispose();
    }

    private static bool CanOpen(string path)
    {
        try
        {
            Open(path, FileMode.Open).Dispose();
            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static FileStream Open(string path, FileMode mode) => new(path, mode, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
}
