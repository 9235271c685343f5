using System.Runtime.InteropServices;
using LoupeGrpc.Engine.Execution;
using Microsoft.ML.OnnxRuntime;

namespace LoupeGrpc.Engine.Providers;

/// <summary>
/// Finds out whether a provider runs: looks for it, loads it, lists its devices, and has it run a graph of one node that no other provider may take.
/// A provider's library may end the process or never come back: unless it is the CPU's, try it in a process that may be lost.
/// </summary>
public static class ProviderTrial
{
    /// <summary>Looked for by the CUDA provider when it runs, not when it is loaded. Convolutions need it.</summary>
    private const string CuDnn = "libcudnn.so.9";

    /// <summary>Version of ONNX Runtime in this process.</summary>
    /// <exception cref="DllNotFoundException">Its library is not there, or does not load.</exception>
    /// <exception cref="TypeInitializationException">The same.</exception>
    public static string RuntimeVersion => OrtEnvironment.Instance.GetVersionString();

    /// <summary>Providers in this build of ONNX Runtime, by its names for them, whether they run here or not.</summary>
    /// <exception cref="DllNotFoundException">Its library is not there, or does not load.</exception>
    /// <exception cref="TypeInitializationException">The same.</exception>
    public static IReadOnlyList<string> RuntimeProviders => OrtEnvironment.Instance.GetAvailableProviders();

    /// <summary>Version of NVIDIA's kernel module; null where there is none. Loads nothing.</summary>
    public static string? DriverVersion => NvidiaDriver.ModuleVersion();

    /// <summary>The library that loading <paramref name="target"/> would load: full path, whether it exists or not. Empty for the CPU and for a provider that is not in this build.</summary>
    public static string LibraryOf(ExecutionTarget target) => target.Kind == ProviderKind.Plugin ? Path.GetFullPath(target.Library) : LibraryOf(target.Kind);

    private static string LibraryOf(ProviderKind kind) => kind switch
    {
        ProviderKind.Cuda => InTree("libonnxruntime_providers_cuda.so"),
        ProviderKind.TensorRt => InTree("libonnxruntime_providers_tensorrt.so"),
        _ => string.Empty,
    };

    /// <summary>Whether this build of ONNX Runtime brings the provider, or it is one that a library of its own brings.</summary>
    public static bool IsInBuild(ProviderKind kind) => kind is not (ProviderKind.Cuda or ProviderKind.TensorRt) || LibraryOf(kind).Length > 0;

    /// <summary>The report on a provider that is not there, without trying anything; null where it is.</summary>
    public static ProviderReport? ReportAbsence(ExecutionTarget target)
    {
        var report = Begin(target);
        var reason = target.Kind switch
        {
            ProviderKind.Plugin when !File.Exists(report.Library) => $"There is no file {report.Library}.",
            _ when !IsInBuild(target.Kind) =>
                $"{target.Provider} is not in this build: it was made with the CPU-only package of ONNX Runtime.",
            _ => null,
        };
        return reason is null ? null : report with { Reason = reason };
    }

    /// <summary>Never throws for what the provider does wrong: <see cref="ProviderReport.Reason"/> says it.</summary>
    /// <param name="target">Of its options only a plugin's are used: the others are about engines, which no graph of one node needs.</param>
    /// <param name="progress">Gets what is known before each step that may be the last of this process.</param>
    public static ProviderReport Run(ExecutionTarget target, TrialGraph graph, Action<ProviderReport>? progress = null)
    {
        if (ReportAbsence(target) is { } absence)
        {
            return absence;
        }

        if (target.Kind != ProviderKind.Plugin)
        {
            target = target with { Options = new Dictionary<string, string>() };
        }

        var report = Begin(target);
        report = report with { Exists = true };
        progress?.Invoke(report);
        try
        {
            string? problem = null;
            var needed = report.Library.Length > 0 ? SharedLibraries.Needed(report.Library) : [];
            if (needed.Any(static name => name.StartsWith("libcuda", StringComparison.Ordinal)))
            {
                report = WithNvidia(report, needed, out problem);
                progress?.Invoke(report);
            }

            report = Load(report, target, problem);
            progress?.Invoke(report);
            return report.Loads && report.Reason.Length == 0 ? RunOneNode(report, target, graph, problem) : report;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return report with { Reason = $"{report.Library} cannot be read: {exception.Message.TrimEnd('.')}." };
        }
    }

    private static ProviderReport Begin(ExecutionTarget target) => new()
    {
        Provider = target.Provider,
        Kind = target.Kind,
        Library = LibraryOf(target),
        Versions = new ProviderVersions { OnnxRuntime = RuntimeVersion, Driver = DriverVersion },
    };

    /// <summary>In-tree providers lie beside ONNX Runtime's own library.</summary>
    private static string InTree(string file)
    {
        var directories = ((string?)AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") ?? string.Empty).Split(':', StringSplitOptions.RemoveEmptyEntries);
        return directories.Append(AppContext.BaseDirectory).Select(directory => Path.Combine(directory, file)).FirstOrDefault(File.Exists, string.Empty);
    }

    private static ProviderReport WithNvidia(ProviderReport report, IReadOnlyList<string> needed, out string? problem)
    {
        var devices = NvidiaDriver.Devices(out var cuda, out problem);
        return report with
        {
            Devices = devices,
            Versions = report.Versions with
            {
                Cuda = cuda,
                CudaRuntime = Of("libcudart.", NvidiaDriver.CudaRuntimeVersion),
                CuDnn = NvidiaDriver.CuDnnVersion(CuDnn),
                TensorRt = Of("libnvinfer.", NvidiaDriver.TensorRtVersion),
            },
        };

        string? Of(string start, Func<string, string?> version) =>
            needed.FirstOrDefault(name => name.StartsWith(start, StringComparison.Ordinal)) is { } library ? version(library) : null;
    }

    private static ProviderReport Load(ProviderReport report, ExecutionTarget target, string? problem)
    {
        try
        {
            if (target.Kind == ProviderKind.Plugin)
            {
                var devices = PluginLibraries.Devices(target.Provider, target.Library);
                report = report with
                {
                    Devices = [.. devices.Select(static (device, index) => new ProviderDevice(index, NameOf(device)))],
                    Versions = report.Versions with { Provider = devices.Count > 0 ? devices[0].EpMetadata.Entries.GetValueOrDefault("version") : null },
                };
            }

            using var options = ProviderSessions.CreateAlone(target);
            return report with { Loads = true };
        }
        catch (ModelLoadException exception) when (exception.InnerException is null)
        {
            // The library was loaded; what was asked for is not in it.
            return report with { Loads = true, Reason = exception.Message };
        }
        catch (Exception exception) when (exception is ModelLoadException or OnnxRuntimeException)
        {
            return Failed(report, "does not load", problem, exception);
        }
    }

    private static ProviderReport RunOneNode(ProviderReport report, ExecutionTarget target, TrialGraph graph, string? problem)
    {
        try
        {
            using var options = ProviderSessions.CreateAlone(target);
            using var session = new InferenceSession(graph.Model, options);
            using var runOptions = new RunOptions();
            // Of both signs, and none of them zero.
            float[] input = [.. Enumerable.Range(0, graph.Length).Select(i => i - (graph.Length / 2) + 0.5f)];
            using var x = OrtValue.CreateTensorValueFromMemory(input, [graph.Length]);
            using var results = session.Run(runOptions, [graph.Input], [x], [graph.Output]);
            return results[0].GetTensorDataAsSpan<float>().SequenceEqual([.. input.Select(static value => Math.Max(value, 0))])
                ? report with { Runs = true, MissingLibraries = MissingCuDnn(report) }
                : report with { Reason = $"{report.Provider} runs a graph of one node but computes wrong numbers." };
        }
        catch (Exception exception) when (exception is ModelLoadException or OnnxRuntimeException)
        {
            return Failed(report, "does not run a graph of one node", problem, exception);
        }
    }

    /// <summary>Says what explains the failure best: libraries that are not there, then what the driver says, then the exception.</summary>
    private static ProviderReport Failed(ProviderReport report, string what, string? problem, Exception exception)
    {
        IReadOnlyList<string> missing = [.. report.Library.Length > 0 ? SharedLibraries.Missing(report.Library) : [], .. MissingCuDnn(report)];
        var reason = missing.Count > 0 ? $"{string.Join(", ", missing)} {(missing.Count > 1 ? "are" : "is")} not installed"
            : problem ?? OrtMessage.Of(exception.InnerException ?? exception);
        return report with { MissingLibraries = missing, Reason = $"{report.Provider} {what}: {reason.TrimEnd('.')}." };
    }

    private static IReadOnlyList<string> MissingCuDnn(ProviderReport report) =>
        report.Kind == ProviderKind.Cuda && !NativeLibrary.TryLoad(CuDnn, out _) ? [CuDnn] : [];

    private static string NameOf(OrtEpDevice device)
    {
        var hardware = device.HardwareDevice;
        return device.EpMetadata.Entries.GetValueOrDefault("device_name")
            ?? hardware.Metadata.Entries.GetValueOrDefault("Description")
            ?? $"{hardware.Vendor} {hardware.Type} {hardware.DeviceId:x4}".Trim();
    }
}
