using System.Runtime.InteropServices;

namespace LoupeGrpc.Launch;

/// <summary>What the system lets this process have. Everywhere but on Linux nothing is asked.</summary>
internal static class ProcessLimits
{
    /// <summary>The runtime keeps every assembly open: about 100 files of a client, 200 of a server, before the first connection. launch.sh knows the number too.</summary>
    private const ulong LeastOpenFiles = 256;

    private const int OpenFilesResource = 7;
    private const int AddressSpaceResource = 9;
    private const ulong Unlimited = ulong.MaxValue;
    private const int StandardError = 2;

    /// <summary>Bytes; null where there is no limit.</summary>
    public static ulong? AddressSpace => Get(AddressSpaceResource) is { } limit && limit != Unlimited ? limit : null;

    /// <summary>Files that may be open, as the runtime has raised it; null where there is no limit.</summary>
    public static ulong? OpenFiles => Get(OpenFilesResource) is { } limit && limit != Unlimited ? limit : null;

    /// <summary>
    /// Says so where there are not enough files for this program to start: call it first of all, before the runtime fails to load an assembly, which it
    /// cannot explain. Uses nothing that needs another one.
    /// </summary>
    public static bool HaveRoom()
    {
        if (Get(OpenFilesResource) is not { } limit || limit >= LeastOpenFiles)
        {
            return true;
        }

        var message = "error: at most " + limit + " files may be open, at least " + LeastOpenFiles
            + " are needed: raise the limit with 'ulimit -n 1024' (systemd: LimitNOFILE=1024)\n";
        var bytes = new byte[message.Length];
        for (var i = 0; i < bytes.Length; i++)
        {
            bytes[i] = (byte)message[i];
        }

        _ = Write(StandardError, bytes, bytes.Length);
        return false;
    }

    private static ulong? Get(int resource) => OperatingSystem.IsLinux() && GetLimit(resource, out var limit) == 0 ? limit.Current : null;

    [DllImport("libc", EntryPoint = "getrlimit")]
    private static extern int GetLimit(int resource, out Limit limit);

    [DllImport("libc", EntryPoint = "write")]
    private static extern nint Write(int descriptor, byte[] bytes, nint count);

    [StructLayout(LayoutKind.Sequential)]
    private struct Limit
    {
        public ulong Current;
        public ulong Most;
    }
}
