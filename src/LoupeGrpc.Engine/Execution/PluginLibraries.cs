using Microsoft.ML.OnnxRuntime;

namespace LoupeGrpc.Engine.Execution;

/// <summary>Provider libraries given by path. A library is registered once and stays until the process ends. Thread-safe.</summary>
internal static class PluginLibraries
{
    /// <summary>Under both names the CUDA provider has shipped as a library of its own.</summary>
    private static readonly string[] CudaNames = ["CUDAExecutionProvider", "CudaPluginExecutionProvider"];

    private static readonly Lock Registering = new();
    private static readonly Dictionary<string, string> NamesByPath = new(StringComparer.Ordinal);

    /// <summary>The device that <paramref name="target"/> names; loads the library where this has not happened yet.</summary>
    /// <exception cref="ModelLoadException">There is no such file, or the library has no such device.</exception>
    /// <exception cref="OnnxRuntimeException">The library does not load.</exception>
    public static OrtEpDevice Device(ExecutionTarget target)
    {
        var devices = Devices(target.Provider, target.Library);
        return target.DeviceIndex < devices.Count
            ? devices[target.DeviceIndex]
            : throw new ModelLoadException(devices.Count == 0
                ? $"{target.Provider} found no device that it can use: {target.Library}."
                : $"{target.Provider} has no device {target.DeviceIndex}, only 0 to {devices.Count - 1}: {target.Library}.");
    }

    /// <summary>Devices of the library at <paramref name="path"/>, in its own order; empty where it finds none.</summary>
    /// <param name="name">Chooses between providers in one library. Otherwise any name will do.</param>
    /// <exception cref="ModelLoadException">There is no such file.</exception>
    /// <exception cref="OnnxRuntimeException">The library does not load.</exception>
    public static IReadOnlyList<OrtEpDevice> Devices(string name, string path)
    {
        path = Path.GetFullPath(path);
        if (!File.Exists(path))
        {
            throw new ModelLoadException($"{name} has no library: there is no file {path}.");
        }

        Register(name, path);
        var devices = OrtEnvironment.Instance.GetEpDevices()
            .Where(device => device.EpMetadata.Entries.TryGetValue("library_path", out var library) && Path.GetFullPath(library) == path)
            .ToList();
        var named = devices.FindAll(device => device.EpName == name || (CudaNames.Contains(name) && CudaNames.Contains(device.EpName)));
        return named.Count > 0 ? named : devices.FindAll(device => device.EpName == devices[0].EpName);
    }

    private static void Register(string name, string path)
    {
        lock (Registering)
        {
            if (NamesByPath.ContainsKey(path))
            {
                return;
            }

            // ONNX Runtime wants a name of its own for each library.
            var registered = name;
            for (var number = 2; NamesByPath.ContainsValue(registered); number++)
            {
                registered = $"{name}-{number}";
            }

            OrtEnvironment.Instance.RegisterExecutionProviderLibrary(registered, path);
            NamesByPath.Add(path, registered);
        }
    }
}
