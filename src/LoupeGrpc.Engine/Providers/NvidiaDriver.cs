using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;

namespace LoupeGrpc.Engine.Providers;

/// <summary>What NVIDIA's driver and libraries say of themselves. Only in a process that may be lost: a wrong library may do anything.</summary>
internal static partial class NvidiaDriver
{
    private const string ModuleVersionFile = "/proc/driver/nvidia/version";
    private const int MostDevices = 64;
    private const int NameLength = 256;

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int Initialize(uint flags);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int GetNumber(out int number);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int GetDevice(out int device, int index);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int GetDeviceName([Out] byte[] name, int length, int device);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int GetDeviceUuid([Out] byte[] uuid, int device);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate nint GetVersion();

    /// <summary>Version of the kernel module, e.g. <c>580.65.06</c>; null where there is none. Loads nothing.</summary>
    public static string? ModuleVersion()
    {
        try
        {
            return ModuleVersion(File.ReadAllText(ModuleVersionFile));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <param name="text">What the module writes.</param>
    public static string? ModuleVersion(string text) =>
        ModuleVersionPattern().Match(text) is { Success: true } match ? match.Groups[1].Value : null;

    /// <summary>Devices in the order of CUDA, and the latest CUDA that the driver can run.</summary>
    /// <param name="problem">Why there are none; null where there are.</param>
    public static IReadOnlyList<ProviderDevice> Devices(out string? cudaVersion, out string? problem)
    {
        cudaVersion = null;
        if (!NativeLibrary.TryLoad("libcuda.so.1", out var library))
        {
            problem = "no NVIDIA driver is installed: there is no libcuda.so.1";
            return [];
        }

        if (Find<GetNumber>(library, "cuDriverGetVersion") is { } version && version(out var number) == 0)
        {
            cudaVersion = $"{number / 1000}.{number % 1000 / 10}";
        }

        if (Find<Initialize>(library, "cuInit") is not { } initialize || Find<GetNumber>(library, "cuDeviceGetCount") is not { } getCount
            || Find<GetDevice>(library, "cuDeviceGet") is not { } getDevice || Find<GetDeviceName>(library, "cuDeviceGetName") is not { } getName)
        {
            problem = "libcuda.so.1 is not NVIDIA's driver: functions are missing";
            return [];
        }

        if (initialize(0) is not 0 and var error)
        {
            problem = error == 100 ? "the NVIDIA driver finds no device" : $"the NVIDIA driver does not start: cuInit returned error {error}";
            return [];
        }

        var getUuid = Find<GetDeviceUuid>(library, "cuDeviceGetUuid_v2") ?? Find<GetDeviceUuid>(library, "cuDeviceGetUuid");
        var devices = new List<ProviderDevice>();
        var count = getCount(out var found) == 0 ? Math.Clamp(found, 0, MostDevices) : 0;
        for (var index = 0; index < count; index++)
        {
            var name = new byte[NameLength];
            if (getDevice(out var device, index) == 0 && getName(name, NameLength - 1, device) == 0)
            {
                devices.Add(new ProviderDevice(index, Text(name), Uuid(getUuid, device)));
            }
        }

        problem = devices.Count == 0 ? "the NVIDIA driver finds no device" : null;
        return devices;
    }

    /// <summary>Of CUDA's runtime, e.g. <c>13.0</c>; null where it does not load.</summary>
    /// <param name="library">E.g. <c>libcudart.so.13</c>.</param>
    public static string? CudaRuntimeVersion(string library) =>
        Find<GetNumber>(library, "cudaRuntimeGetVersion") is { } get && get(out var version) == 0 ? $"{version / 1000}.{version % 1000 / 10}" : null;

    /// <summary>E.g. <c>9.10.2</c>; null where it does not load.</summary>
    /// <param name="library">E.g. <c>libcudnn.so.9</c>.</param>
    public static string? CuDnnVersion(string library) => Version(library, "cudnnGetVersion");

    /// <summary>E.g. <c>10.13.2</c>; null where it does not load.</summary>
    /// <param name="library">E.g. <c>libnvinfer.so.10</c>.</param>
    public static string? TensorRtVersion(string library) => Version(library, "getInferLibVersion");

    private static string? Version(string library, string function) =>
        Find<GetVersion>(library, function) is { } get && (int)get() is var version ? $"{version / 10000}.{version % 10000 / 100}.{version % 100}" : null;

    private static TFunction? Find<TFunction>(string library, string function)
        where TFunction : Delegate =>
        NativeLibrary.TryLoad(library, out var handle) ? Find<TFunction>(handle, function) : null;

    private static TFunction? Find<TFunction>(nint library, string function)
        where TFunction : Delegate =>
        NativeLibrary.TryGetExport(library, function, out var address) ? Marshal.GetDelegateForFunctionPointer<TFunction>(address) : null;

    private static string Text(byte[] bytes) => Encoding.UTF8.GetString(bytes, 0, Array.IndexOf(bytes, (byte)0));

    private static string Uuid(GetDeviceUuid? get, int device)
    {
        var bytes = new byte[16];
        return get is not null && get(bytes, device) == 0 ? $"GPU-{new Guid(bytes, bigEndian: true)}" : string.Empty;
    }

    /// <summary>Older: <c>… x86_64 Kernel Module  550.54.14  …</c>; newer: <c>… Open Kernel Module for x86_64  580.65.06  …</c>.</summary>
    [GeneratedRegex(@"Kernel Module.*?\s(\d+(?:\.\d+)+)")]
    private static partial Regex ModuleVersionPattern();
}
