namespace LoupeGrpc.Client.Cli.Files;

/// <summary>What stands at a path.</summary>
internal enum FileKind
{
    /// <summary>With bytes and an end.</summary>
    Regular,
    Folder,
    Link,
    Pipe,
    Socket,
    Device,

    /// <summary>The file system does not say.</summary>
    Unknown,

    /// <summary>Where a link leads that leads nowhere.</summary>
    Nothing,
}

internal static class FileKinds
{
    /// <summary>With its article, for messages.</summary>
    public static string Name(this FileKind kind) => kind switch
    {
        FileKind.Regular => "a file",
        FileKind.Folder => "a folder",
        FileKind.Link => "a link",
        FileKind.Pipe => "a named pipe",
        FileKind.Socket => "a socket",
        FileKind.Device => "a device",
        _ => "no regular file",
    };
}

/// <summary>What is known of a file without opening it.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Modified">To the nanosecond where the file system has it so.</param>
internal readonly record struct FileStatus(FileKind Kind, long Size, DateTimeOffset Modified);

/// <summary>One name in a folder.</summary>
/// <param name="Name">As <see cref="PathText"/> has it.</param>
/// <param name="Kind">Of the name itself: links are not followed.</param>
internal readonly record struct FolderEntry(string Name, FileKind Kind);
