using Microsoft.Win32.SafeHandles;

namespace LoupeGrpc.Files;

/// <summary>
/// A file read in slices from any place. Not memory mapped: a file that somebody cuts short while it is open gives an <see cref="IOException"/>
/// then, where a mapping would end the process with SIGBUS. Thread-safe until disposed.
/// </summary>
public sealed class RandomAccessFile : IDisposable
{
    private readonly SafeFileHandle _handle;

    private RandomAccessFile(string path, SafeFileHandle handle, long length)
    {
        Path = path;
        _handle = handle;
        Length = length;
    }

    /// <summary>As it was given to <see cref="Open"/>.</summary>
    public string Path { get; }

    /// <summary>Bytes, when it was opened.</summary>
    public long Length { get; }

    /// <exception cref="IOException">The file is missing, cannot be read, or is a pipe or another file without a length.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read, or is a directory.</exception>
    public static RandomAccessFile Open(string path)
    {
        // Delete sharing, so that a package can be replaced while a server holds the old one.
        var handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
        try
        {
            return new RandomAccessFile(path, handle, RandomAccess.GetLength(handle));
        }
        catch (NotSupportedException exception)
        {
            handle.Dispose();
            throw new IOException("It is not a regular file.", exception);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>Fills <paramref name="destination"/> from byte <paramref name="offset"/> on.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range is not inside the file as it was when it was opened.</exception>
    /// <exception cref="IOException">The file can no longer be read, or has become shorter.</exception>
    public void Read(long offset, Span<byte> destination)
    {
        if (offset < 0 || offset > Length - destination.Length)
        {
            throw new ArgumentOutOfRangeException(nameof(offset), offset, $"{destination.Length} bytes from there are not inside the {Length} bytes of {Path}.");
        }

        while (!destination.IsEmpty)
        {
            var read = RandomAccess.Read(_handle, destination, offset);
            if (read == 0)
            {
                throw new EndOfStreamException($"The file has become shorter than the {Length} bytes it had when it was opened.");
            }

            offset += read;
            destination = destination[read..];
        }
    }

    public void Dispose() => _handle.Dispose();
}
