using System.IO.MemoryMappedFiles;

namespace LoupeGrpc.Packaging;

/// <summary>
/// A file read through memory-mapped views. Only the slice being read is mapped, so a file of many gigabytes adds nothing lasting to the process.
/// Thread-safe until disposed.
/// </summary>
public sealed class MappedFile : IDisposable
{
    private readonly MemoryMappedFile? _map;

    private MappedFile(string path, long length, MemoryMappedFile? map)
    {
        Path = path;
        Length = length;
        _map = map;
    }

    /// <summary>As it was given to <see cref="Open"/>.</summary>
    public string Path { get; }

    /// <summary>Bytes, when it was opened. The file must not shrink while it is open.</summary>
    public long Length { get; }

    /// <exception cref="IOException">The file is missing or cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read, or is a directory.</exception>
    public static MappedFile Open(string path)
    {
        // Delete sharing, so that a package can be replaced while a server holds the old one.
        var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, bufferSize: 0);
        try
        {
            // An empty file cannot be mapped.
            var length = stream.Length;
            var map = length == 0 ? null : MemoryMappedFile.CreateFromFile(stream, mapName: null, capacity: 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
            if (map is null)
            {
                stream.Dispose();
            }

            return new MappedFile(path, length, map);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>Fills <paramref name="destination"/> from byte <paramref name="offset"/> on.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range is not inside the file.</exception>
    public void Read(long offset, Span<byte> destination)
    {
        if (offset < 0 || offset > Length - destination.Length)
        {
            throw new ArgumentOutOfRangeException(nameof(offset), offset, $"{destination.Length} bytes from there are not inside the {Length} bytes of {Path}.");
        }

        if (destination.IsEmpty)
        {
            return;
        }

        using var view = _map!.CreateViewStream(offset, destination.Length, MemoryMappedFileAccess.Read);
        view.ReadExactly(destination);
    }

    public void Dispose() => _map?.Dispose();
}
