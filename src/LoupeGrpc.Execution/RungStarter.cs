using System.Diagnostics.Metrics;
using System.Globalization;
using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Providers;
using LoupeGrpc.Engine.Queueing;
using LoupeGrpc.Execution.Builds;
using LoupeGrpc.Execution.Probing;
using LoupeGrpc.Packaging;
using Microsoft.Extensions.Logging;

namespace LoupeGrpc.Execution;

/// <summary>From a planned rung to an engine: tries the provider, looks for its engines, builds them, loads the model.</summary>
internal sealed class RungStarter(
    ModelPackage package,
    EngineOptions options,
    ProviderProber prober,
    TimeSpan probeLimit,
    EngineCache cache,
    EngineBuild build,
    ILoggerFactory loggers,
    TimeProvider time,
    IMeterFactory? meters,
    Room? shared)
{
    /// <summary>Tries the provider on each configured device, and looks for the engines it needs.</summary>
    public async Task<ExaminedRung> ExamineAsync(PlannedRung rung, CancellationToken cancellationToken)
    {
        if (rung.Kind == ProviderKind.Cpu)
        {
            return new ExaminedRung(null, [new ExaminedDevice(rung.Target(package.Manifest, 0, string.Empty, string.Empty), null)]);
        }

        List<ExaminedDevice> devices = [];
        foreach (var name in rung.Settings.Devices)
        {
            var (index, report) = await TryAsync(rung, name, cancellationToken).ConfigureAwait(false);
            if (!report.Runs)
            {
                return ExaminedRung.Refused(report.Reason);
            }

            devices.Add(Examine(rung, index, report));
        }

        return new ExaminedRung(null, devices);
    }

    /// <summary>Builds the engines that are missing, in a process of its own with little priority.</summary>
    /// <param name="phase">Told what it does and what it waits for.</param>
    /// <returns>What went wrong; null where they are there now.</returns>
    public Task<string?> BuildAsync(PlannedRung rung, Action<string> phase, CancellationToken cancellationToken) =>
        build.RunAsync(rung.Provider, phase, cancellationToken);

    /// <summary>Loads the model, warms every shape up and checks what it answers.</summary>
    /// <exception cref="ModelLoadException">It cannot be run there, or answers something else.</exception>
    /// <exception cref="OperationCanceledException"/>
    public Task<LoupeEngine> StartAsync(ExecutionTarget target, CancellationToken cancellationToken) =>
        LoupeEngine.StartAsync(package, options, target, loggers, time, cancellationToken, meters, shared);

    private async Task<(int Index, ProviderReport Report)> TryAsync(PlannedRung rung, string device, CancellationToken cancellationToken)
    {
        if (int.TryParse(device, NumberStyles.None, CultureInfo.InvariantCulture, out var index))
        {
            return (index, await TryAsync(rung, index, cancellationToken).ConfigureAwait(false));
        }

        // Which index a UUID has is known to whoever has asked the driver.
        var report = await TryAsync(rung, 0, cancellationToken).ConfigureAwait(false);
        if (report.Devices.FirstOrDefault(found => found.Uuid.Equals(device, StringComparison.OrdinalIgnoreCase)) is { } match)
        {
            return (match.Index, match.Index == 0 ? report : await TryAsync(rung, match.Index, cancellationToken).ConfigureAwait(false));
        }

        return (0, !report.Runs ? report : report with
        {
            Runs = false,
            Reason = $"{rung.Provider} has no device {device}; it has {string.Join(", ", report.Devices.Select(static found => $"{found.Index} ({found.Name} {found.Uuid})"))}.",
        });
    }

    private Task<ProviderReport> TryAsync(PlannedRung rung, int index, CancellationToken cancellationToken) => prober.ProbeAsync(
        rung.Target(package.Manifest, index, string.Empty, string.Empty) with { Options = rung.Settings.Options }, probeLimit, cancellationToken);

    private ExaminedDevice Examine(PlannedRung rung, int index, ProviderReport report)
    {
        var name = report.Devices.FirstOrDefault(device => device.Index == index)?.Name ?? string.Empty;
        if (!rung.BuildsEngines)
        {
            return new ExaminedDevice(rung.Target(package.Manifest, index, name, string.Empty), null);
        }

        var key = new EngineCacheKey(
            package.Hash,
            rung.Provider,
            rung.Precision,
            Versions(report),
            name,
            rung.Buckets,
            [.. rung.Options(package.Manifest, string.Empty).Select(static option => $"{option.Key}={option.Value}")]);
        var directory = cache.Find(key);
        return new ExaminedDevice(rung.Target(package.Manifest, index, name, directory ?? string.Empty), directory is null ? key : null);
    }

    /// <summary>All that a built engine may depend on.</summary>
    private static List<string> Versions(ProviderReport report) =>
        [.. new (string Name, string? Version)[]
            {
                ("ONNX Runtime", report.Versions.OnnxRuntime),
                ("provider", report.Versions.Provider),
                ("library", File.Exists(report.Library) ? FileHash.OfFile(report.Library) : null),
                ("driver", report.Versions.Driver),
                ("CUDA", report.Versions.Cuda),
                ("CUDA runtime", report.Versions.CudaRuntime),
                ("cuDNN", report.Versions.CuDnn),
                ("TensorRT", report.Versions.TensorRt),
            }.Where(static part => part.Version is not null).Select(static part => $"{part.Name} {part.Version}")];
}
