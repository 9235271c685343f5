using LoupeGrpc.Native.Interop;

namespace LoupeGrpc.Native;

/// <summary>Files that libraries have mapped into this process.</summary>
public static class MappedFile
{
    /// <summary>
    /// Puts memory of this process in the place of what is mapped of a file: whoever truncates or rewrites the file reaches nobody here any more.
    /// Meanwhile no thread may unmap any of it.
    /// </summary>
    /// <returns>Bytes, in whole pages; 0 where nothing is mapped.</returns>
    /// <exception cref="NativeException">The file became shorter before, or there is not enough memory.</exception>
    public static unsafe long Detach(string path)
    {
        long bytes;
        NativeException.ThrowIfFailed(NativeMethods.loupe_detach_file(path, &bytes));
        return bytes;
    }
}
