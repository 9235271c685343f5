using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace LoupeGrpc;

/// <summary>
/// The official builds of ONNX Runtime write a device id and a queue under the home directory and send what they see of models and programs to their
/// maker, unless <c>ORT_DISABLE_TELEMETRY</c> is set when the library initializes. This is compiled into every assembly that references ONNX Runtime
/// (see Directory.Build.targets), so whichever of them calls the library first, it has run before.
/// </summary>
internal static class RuntimeTelemetry
{
    private const string Variable = "ORT_DISABLE_TELEMETRY";

    [ModuleInitializer]
    [SuppressMessage("Usage", "CA2255", Justification = "No other place surely runs before the first call, in tests and benchmarks too.")]
    internal static void TurnOff()
    {
        // For child processes: they get .NET's own copy of the environment.
        Environment.SetEnvironmentVariable(Variable, "1");

        // For this one: getenv, which the library asks, does not see that copy. Where a launcher has set the variable already, nothing is written:
        // setenv is not safe beside a getenv on another thread.
        if (!OperatingSystem.IsWindows() && Marshal.PtrToStringUTF8(GetEnvironment(Variable)) != "1" && SetEnvironment(Variable, "1", 1) != 0)
        {
            throw new InvalidOperationException($"{Variable} cannot be set, so ONNX Runtime would send telemetry. Set it to 1 before the program starts.");
        }
    }

    [DllImport("libc", EntryPoint = "getenv")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint GetEnvironment([MarshalAs(UnmanagedType.LPUTF8Str)] string name);

    [DllImport("libc", EntryPoint = "setenv")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SetEnvironment([MarshalAs(UnmanagedType.LPUTF8Str)] string name, [MarshalAs(UnmanagedType.LPUTF8Str)] string value, int overwrite);
}
