namespace LoupeGrpc.Native;

/// <summary>Operators for ONNX Runtime on the CPU, which it registers by itself from the library that has them.</summary>
public static class NativeOperators
{
    /// <summary>Full path of the library. It belongs beside the program.</summary>
    public static string Library { get; } = Path.Combine(AppContext.BaseDirectory, "libloupe_native.so");
}
