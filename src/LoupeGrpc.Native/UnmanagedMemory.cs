namespace LoupeGrpc.Native;

/// <summary>Memory of another library seen as a span. The caller answers for its address, its length and its lifetime.</summary>
public static class UnmanagedMemory
{
    /// <param name="address">Of the first element.</param>
    /// <param name="length">Elements.</param>
    public static unsafe Span<float> Floats(nint address, int length) => new((void*)address, length);
}
