namespace LoupeGrpc.Files;

/// <summary>A lock between processes: a file held open by one of them.</summary>
public static class FileLock
{
    private static readonly TimeSpan Retry = TimeSpan.FromMilliseconds(50);

    /// <summary>Waits until nobody else holds it. Disposing gives it back, and so does the end of the process.</summary>
    /// <exception cref="IOException">The file cannot be made.</exception>
    /// <exception cref="UnauthorizedAccessException">Nor written.</exception>
    /// <exception cref="OperationCanceledException"/>
    public static async Task<IDisposable> AcquireAsync(string path, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (TryAcquire(path) is { } held)
            {
                return held;
            }

            await Task.Delay(Retry, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>The same without waiting.</summary>
    /// <returns>Null: somebody else holds it.</returns>
    /// <exception cref="IOException">The file cannot be made.</exception>
    /// <exception cref="UnauthorizedAccessException">Nor written.</exception>
    public static IDisposable? TryAcquire(string path)
    {
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException exception) when (IsHeld(exception))
        {
            return null;
        }
    }

    /// <summary>EWOULDBLOCK of Linux, or a sharing violation.</summary>
    private static bool IsHeld(IOException exception) => exception.HResult is 11 or unchecked((int)0x80070020);
}
