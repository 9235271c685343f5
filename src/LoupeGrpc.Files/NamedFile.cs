namespace LoupeGrpc.Files;

/// <summary>
/// Files that somebody named, of whom nothing is known: a named pipe in their place, whose opening waits for a writer, holds up nobody. What has no length (a pipe, a device)
/// is taken for an empty file and never opened.
/// </summary>
public static class NamedFile
{
    /// <summary>Bytes; of the file that a link leads to. 0 where there is none, too.</summary>
    /// <exception cref="IOException">Links lead in a circle.</exception>
    public static long LengthOf(string path)
    {
        FileSystemInfo file = new FileInfo(path);
        file = file.LinkTarget is null ? file : file.ResolveLinkTarget(returnFinalTarget: true) ?? file;
        return file is FileInfo { Exists: true, Length: var length } ? length : 0;
    }

    /// <summary>Whether there is something that has no length.</summary>
    /// <exception cref="IOException">Links lead in a circle.</exception>
    public static bool IsEmpty(string path) => File.Exists(path) && LengthOf(path) == 0;

    /// <summary>All of it, if that is not too much.</summary>
    /// <exception cref="IOException">It cannot be read, is larger than that, or is no file.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public static byte[] Read(string path, int maxBytes)
    {
        // .NET would say that access to it is denied.
        if (Directory.Exists(path))
        {
            throw new IOException($"{path} is a folder");
        }

        if (IsEmpty(path))
        {
            return [];
        }

        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        // Between the look at it and its opening it may have become another.
        var bytes = new byte[file.CanSeek && file.Length <= maxBytes ? (int)file.Length : throw new IOException($"{path} is not a file of at most {maxBytes} bytes")];
        var read = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        return bytes[..read];
    }
}
