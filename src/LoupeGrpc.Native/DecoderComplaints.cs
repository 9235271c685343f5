using System.Text;
using LoupeGrpc.Native.Interop;

namespace LoupeGrpc.Native;

/// <summary>
/// What libjpeg, libpng and libtiff write to standard error about the picture that this thread decodes: collected, and so kept from standard error. The
/// process's <c>stderr</c> of C and <c>std::cerr</c> of C++ are replaced for it, file descriptor 2 is not touched, and other threads' lines go there as ever.
/// </summary>
public static class DecoderComplaints
{
    /// <summary>Once for the process, before the first picture.</summary>
    public static void Install() => NativeMethods.loupe_complaints_install();

    public static void Begin() => NativeMethods.loupe_complaints_begin();

    /// <returns>The first line since <see cref="Begin"/> that was about pixels rather than metadata, printable ASCII; null: there was none.</returns>
    public static unsafe string? End()
    {
        byte* complaint = stackalloc byte[NativeDecodeResult.MaxComplaint];
        NativeMethods.loupe_complaints_end(complaint);
        return Read(complaint);
    }

    internal static unsafe string? Read(byte* complaint)
    {
        int length = new ReadOnlySpan<byte>(complaint, NativeDecodeResult.MaxComplaint).IndexOf((byte)0);
        return length <= 0 ? null : Encoding.ASCII.GetString(complaint, length);
    }
}
