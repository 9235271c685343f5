using System.ComponentModel;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace LoupeGrpc.Client.Cli.Files;

/// <summary>
/// Folders and files by the system's own calls: .NET replaces bytes of names that are not UTF-8, so that the file cannot be opened any more, does not tell
/// pipes and devices from files, and waits in `open` until someone writes to a pipe.
/// </summary>
[SupportedOSPlatform("linux")]
internal static class LinuxFiles
{
    private const int CurrentFolder = -100;
    private const int EmptyPath = 0x1000;
    private const int NoFollow = 0x100;
    private const uint BasicStatus = 0x7FF;

    /// <summary>O_RDONLY, O_CLOEXEC, O_NOCTTY, O_NONBLOCK.</summary>
    private const int ReadWithoutWaiting = 0x80000 | 0x100 | 0x800;

    private const int NoEntry = 2;
    private const int NotPermitted = 1;
    private const int AccessDenied = 13;
    private const int NotAFolder = 20;

    /// <returns>Null when nothing is there.</returns>
    /// <exception cref="IOException">Or <see cref="UnauthorizedAccessException"/>: it cannot be found out.</exception>
    public static FileStatus? Status(string path, bool follow)
    {
        var buffer = new byte[256];
        return StatX(CurrentFolder, PathText.ToBytes(path), follow ? 0 : NoFollow, BasicStatus, buffer) == 0
            ? Read(buffer)
            : Marshal.GetLastPInvokeError() is NoEntry or NotAFolder ? null : throw LastError();
    }

    /// <summary>Never waits for another program, whatever the path leads to.</summary>
    /// <exception cref="IOException">Or <see cref="UnauthorizedAccessException"/>: it is no regular file, or cannot be opened.</exception>
    public static SafeFileHandle OpenRegular(string path)
    {
        // Before opening, since that alone may rewind a tape, and after it, since the path may lead elsewhere by then.
        if (Status(path, follow: true) is not { } before)
        {
            throw new FileNotFoundException("There is nothing at this path.");
        }

        RegularFile.ThrowUnlessRegular(before.Kind);
        var handle = new SafeFileHandle(Open(PathText.ToBytes(path), ReadWithoutWaiting), ownsHandle: true);
        if (handle.IsInvalid)
        {
            throw LastError();
        }

        try
        {
            var buffer = new byte[256];
            if (StatX((int)handle.DangerousGetHandle(), [0], EmptyPath, BasicStatus, buffer) != 0)
            {
                throw LastError();
            }

            RegularFile.ThrowUnlessRegular(Read(buffer).Kind);
            return handle;
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <exception cref="IOException">Or <see cref="UnauthorizedAccessException"/>: the folder cannot be read.</exception>
    public static List<FolderEntry> List(string folder)
    {
        var stream = OpenFolder(PathText.ToBytes(folder));
        if (stream == 0)
        {
            throw LastError();
        }

        try
        {
            var entries = new List<FolderEntry>();
            while (ReadFolder(stream) is not 0 and var entry)
            {
                // struct dirent of 64-bit systems: inode, offset, length of the record, type, name.
                var name = new byte[(ushort)Marshal.ReadInt16(entry, 16) - 19];
                Marshal.Copy(entry + 19, name, 0, name.Length);
                var text = PathText.FromBytes(name.AsSpan(0, name.AsSpan().IndexOf((byte)0)));
                if (text is not ("." or ".."))
                {
                    entries.Add(new FolderEntry(text, KindOf(Marshal.ReadByte(entry, 18))));
                }
            }

            return Marshal.GetLastPInvokeError() == 0 ? entries : throw LastError();
        }
        finally
        {
            _ = CloseFolder(stream);
        }
    }

    private static FileStatus Read(byte[] status)
    {
        // struct statx: mode, size and time of modification.
        var kind = KindOf((byte)(BitConverter.ToUInt16(status, 28) >> 12));
        var modified = DateTimeOffset.FromUnixTimeSeconds(BitConverter.ToInt64(status, 112)).AddTicks(BitConverter.ToUInt32(status, 120) / 100);
        return new FileStatus(kind, BitConverter.ToInt64(status, 40), modified);
    }

    /// <summary>The upper four bits of a mode, which are also the types in a folder.</summary>
    private static FileKind KindOf(byte type) => type switch
    {
        1 => FileKind.Pipe,
        2 or 6 => FileKind.Device,
        4 => FileKind.Folder,
        8 => FileKind.Regular,
        10 => FileKind.Link,
        12 => FileKind.Socket,
        _ => FileKind.Unknown,
    };

    private static Exception LastError()
    {
        var code = Marshal.GetLastPInvokeError();
        var message = new Win32Exception(code).Message;
        return code switch
        {
            NoEntry or NotAFolder => new FileNotFoundException(message),
            AccessDenied or NotPermitted => new UnauthorizedAccessException(message),
            _ => new IOException(message),
        };
    }

    [DllImport("libc", EntryPoint = "open", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Open(byte[] path, int flags);

    [DllImport("libc", EntryPoint = "statx", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int StatX(int folder, byte[] path, int flags, uint mask, byte[] status);

    [DllImport("libc", EntryPoint = "opendir", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint OpenFolder(byte[] path);

    [DllImport("libc", EntryPoint = "readdir", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint ReadFolder(nint stream);

    [DllImport("libc", EntryPoint = "closedir", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int CloseFolder(nint stream);
}
