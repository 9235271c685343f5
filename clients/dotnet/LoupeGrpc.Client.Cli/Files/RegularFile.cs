using System.Security.Cryptography;

namespace LoupeGrpc.Client.Cli.Files;

/// <summary>Files that have bytes and an end. Pipes, sockets and devices are refused before they can keep anyone waiting.</summary>
internal static class RegularFile
{
    /// <returns>Null when nothing is at the path; links are followed.</returns>
    /// <exception cref="IOException">Or <see cref="UnauthorizedAccessException"/>: it cannot be found out.</exception>
    public static FileStatus? Status(string path)
    {
        if (OperatingSystem.IsLinux())
        {
            return LinuxFiles.Status(path, follow: true);
        }

        if (Directory.Exists(path))
        {
            return new FileStatus(FileKind.Folder, 0, default);
        }

        var file = new FileInfo(path);
        return file.Exists ? new FileStatus(FileKind.Regular, file.Length, file.LastWriteTimeUtc) : null;
    }

    /// <exception cref="IOException">Or <see cref="UnauthorizedAccessException"/>: it is no regular file, or cannot be opened.</exception>
    public static FileStream Open(string path)
    {
        var handle = OperatingSystem.IsLinux() ? LinuxFiles.OpenRegular(path) : File.OpenHandle(path, share: FileShare.ReadWrite | FileShare.Delete);
        try
        {
            return new FileStream(handle, FileAccess.Read, bufferSize: 0);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>SHA-256 of the whole file.</summary>
    /// <inheritdoc cref="Open" path="/exception"/>
    public static byte[] Hash(string path)
    {
        using var file = Open(path);
        return SHA256.HashData(file);
    }

    /// <exception cref="IOException">It is something else.</exception>
    public static void ThrowUnlessRegular(FileKind kind)
    {
        if (kind != FileKind.Regular)
        {
            throw new IOException($"It is {kind.Name()}, not a regular file.");
        }
    }
}
