using System.Runtime.InteropServices;

namespace LoupeGrpc.Launch;

/// <summary>
/// Standard input, output and error of a program that was started without one of them. The runtime has its own files under those numbers by then, pipes
/// for signals among them: a line of log would end up there. So the program starts itself anew, with nothing in their place. In place of standard output
/// that is something which takes nothing either: results that nobody sees must not look delivered.
/// </summary>
internal static class StandardStreams
{
    private const int GetDescriptorFlags = 1;
    private const int CloseOnExec = 1;
    private const int GetStatusFlags = 3;
    private const int AccessMode = 3;
    private const int ReadWrite = 2;

    /// <summary>A place in the file system, and no way to write there. Nobody else gives that to a program as its output, so it is known again.</summary>
    private const int PlaceOnly = 0x200000;

    private const int Output = 1;

    /// <summary>Whether the program was started without standard output. What is written there fails.</summary>
    public static bool IsOutputClosed => OperatingSystem.IsLinux() && IsPlaceOnly(Output);

    /// <summary>Does not return where something is missing.</summary>
    public static void EnsureOpen()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        int[] missing = [.. Enumerable.Range(0, 3).Where(IsMissing)];
        if (missing.Length == 0)
        {
            return;
        }

        var path = "/dev/null\0"u8.ToArray();
        var (nothing, closed) = (Open(path, ReadWrite), Open(path, PlaceOnly));
        if (nothing < 0 || closed < 0 || missing.Any(descriptor => Duplicate(descriptor == Output ? closed : nothing, descriptor) < 0) || StartAnew() < 0)
        {
            // The runtime's own files are gone with it.
            Environment.FailFast("Standard input, output or error is closed and cannot be replaced by /dev/null.");
        }
    }

    /// <summary>With the arguments byte by byte: names of files need not be text.</summary>
    private static int StartAnew()
    {
        var line = File.ReadAllBytes("/proc/self/cmdline");
        var pinned = GCHandle.Alloc(line, GCHandleType.Pinned);
        List<nint> arguments = [];
        for (var start = 0; start < line.Length; start += Array.IndexOf(line, (byte)0, start) + 1 - start)
        {
            arguments.Add(pinned.AddrOfPinnedObject() + start);
        }

        return Execute("/proc/self/exe\0"u8.ToArray(), [.. arguments, 0]);
    }

    /// <summary>
    /// What is closed at the start of a program never was one of its standard streams; nor was, under the numbers of output and error, what can only be read: the shell of
    /// a script that was started without one leaves the script there.
    /// </summary>
    private static bool IsMissing(int descriptor) =>
        Control(descriptor, GetDescriptorFlags) is < 0 or CloseOnExec
        || (descriptor > 0 && (Control(descriptor, GetStatusFlags) & AccessMode) == 0 && !(descriptor == Output && IsPlaceOnly(descriptor)));

    private static bool IsPlaceOnly(int descriptor) => Control(descriptor, GetStatusFlags) is var flags and >= 0 && (flags & PlaceOnly) != 0;

    [DllImport("libc", EntryPoint = "fcntl")]
    private static extern int Control(int descriptor, int command);

    [DllImport("libc", EntryPoint = "open")]
    private static extern int Open(byte[] path, int flags);

    [DllImport("libc", EntryPoint = "dup2")]
    private static extern int Duplicate(int from, int to);

    [DllImport("libc", EntryPoint = "execv")]
    private static extern int Execute(byte[] path, nint[] arguments);
}
