namespace LoupeGrpc.Server.Security;

/// <summary>Files of keys and certificates: what is large, endless or no file at all is not read to its end.</summary>
internal static class SmallFile
{
    /// <exception cref="IOException">It cannot be read, is larger than that, or is no file.</exception>
    /// <exception cref="UnauthorizedAccessException"/>
    public static byte[] Read(string path, int maxBytes)
    {
        // Asked before it is opened: opening a named pipe would wait for somebody to write into it.
        if (new FileInfo(path) is { Exists: true, Length: 0 })
        {
            return [];
        }

        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        // A device or a pipe has no length.
        var bytes = new byte[file.CanSeek && file.Length <= maxBytes ? (int)file.Length : throw new IOException($"{path} is not a file of at most {maxBytes} bytes")];
        var read = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        return bytes[..read];
    }
}
