using System.Runtime.InteropServices;
using LoupeGrpc.Native.Interop;

namespace LoupeGrpc.Native;

/// <summary>A call that native code refused. The message says what was wrong with it.</summary>
public sealed class NativeException : Exception
{
    internal NativeException(NativeStatus status, string message)
        : base(message)
    {
        Status = status;
    }

    public NativeStatus Status { get; }

    internal static void ThrowIfFailed(NativeStatus status)
    {
        if (status != NativeStatus.Ok)
        {
            throw new NativeException(status, LastMessage());
        }
    }

    /// <summary>Of the failing call that this thread made last.</summary>
    internal static unsafe string LastMessage() =>
        Marshal.PtrToStringUTF8((nint)NativeMethods.loupe_last_error()) ?? string.Empty;
}
