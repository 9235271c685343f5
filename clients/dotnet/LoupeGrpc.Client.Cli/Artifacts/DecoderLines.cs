using System.Runtime.InteropServices;

namespace LoupeGrpc.Client.Cli.Artifacts;

/// <summary>
/// What libjpeg prints of damaged pictures. Whoever reads this program's standard error has the server's notes, which say the same of each picture. OpenCV
/// cannot be told to be silent there, but glibc documents its <c>stderr</c> as a variable that may be set: descriptor 2 is not touched.
/// </summary>
internal static class DecoderLines
{
    private static readonly Lock Changing = new();
    private static readonly Lazy<nint> Nowhere = new(static () => Open("/dev/null\0"u8.ToArray(), "w\0"u8.ToArray()));

    /// <summary>Without them, where the system's C library is glibc. What other threads print through C meanwhile is lost too: it is short.</summary>
    public static T Without<T>(Func<T> decode)
    {
        if (!OperatingSystem.IsLinux() || !NativeLibrary.TryGetExport(NativeLibrary.GetMainProgramHandle(), "gnu_get_libc_version", out _)
            || !NativeLibrary.TryGetExport(NativeLibrary.GetMainProgramHandle(), "stderr", out var variable) || Nowhere.Value == 0)
        {
            return decode();
        }

        lock (Changing)
        {
            var kept = Marshal.ReadIntPtr(variable);
            Marshal.WriteIntPtr(variable, Nowhere.Value);
            try
            {
                return decode();
            }
            finally
            {
                Marshal.WriteIntPtr(variable, kept);
            }
        }
    }

    [DllImport("libc", EntryPoint = "fopen")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint Open(byte[] path, byte[] mode);
}
