using System.Runtime.InteropServices;

namespace LoupeGrpc.Files;

/// <summary>
/// Whose a file is. A file that takes another's place is its writer's; where root writes for a service of another user, that service could not read it any more.
/// </summary>
internal static class FileOwner
{
    private const int CurrentDirectory = -100;

    /// <summary>User and group.</summary>
    private const uint Wanted = 0x8 | 0x10;

    /// <summary>Of Linux's <c>struct statx</c>, which is the same on every architecture.</summary>
    private const int StatxBytes = 256, UserAt = 20, GroupAt = 24;

    /// <summary>Gives a file the owner and the group of another, as far as this process may. Does nothing where there is no other, or no Linux.</summary>
    public static void Copy(string from, string to)
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        if (TryRead(from) is { } wanted && TryRead(to) is { } has && wanted != has && ChangeOwner(to, wanted.User, wanted.Group) != 0 && wanted.Group != has.Group)
        {
            // Whose it is only root may change; to a group of their own everybody may give what they have.
            _ = ChangeOwner(to, has.User, wanted.Group);
        }
    }

    private static (uint User, uint Group)? TryRead(string path)
    {
        var answer = new byte[StatxBytes];
        return Stat(CurrentDirectory, path, 0, Wanted, answer) == 0
            ? (BitConverter.ToUInt32(answer, UserAt), BitConverter.ToUInt32(answer, GroupAt))
            : null;
    }

    [DllImport("libc", EntryPoint = "statx")]
    private static extern int Stat(int directory, [MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags, uint mask, byte[] answer);

    [DllImport("libc", EntryPoint = "chown")]
    private static extern int ChangeOwner([MarshalAs(UnmanagedType.LPUTF8Str)] string path, uint user, uint group);
}
