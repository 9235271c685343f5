using System.CommandLine;
using System.Runtime.InteropServices;
using System.Text.Json;
using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Providers;
using LoupeGrpc.Execution;
using LoupeGrpc.Execution.Probing;
using LoupeGrpc.Server.Configuration;
using Microsoft.ML.OnnxRuntime;

namespace LoupeGrpc.Server.Commands;

/// <summary><c>probe</c>: what could run a model on this machine.</summary>
internal sealed class ProbeCommand
{
    private static readonly ExecutionTarget[] InTree =
    [
        ExecutionTarget.Cpu,
        new() { Kind = ProviderKind.Cuda, Provider = ExecutionOptions.CudaName },
        new() { Kind = ProviderKind.TensorRt, Provider = ExecutionOptions.TensorRtName },
    ];

    private readonly Option<bool> _json = new("--json") { Description = "One JSON object instead of text." };

    private readonly Option<string[]> _providers = new("--provider")
    {
        HelpName = "NAME",
        Description = "Only this provider: CPU, CUDA, TensorRT, or the name of a library. May be repeated. Default: all.",
    };

    private readonly Option<string[]> _libraries = new("--library")
    {
        HelpName = "NAME=PATH",
        Description = "A provider that is a library of its own, beside those of Loupe:Execution:Plugins. May be repeated.",
    };

    private readonly IReadOnlyList<string> _settings;

    private ProbeCommand(IReadOnlyList<string> settings) => _settings = settings;

    /// <param name="settings">From the command line, as configuration takes them.</param>
    public static Command Create(IReadOnlyList<string> settings)
    {
        var probe = new ProbeCommand(settings);
        var command = new Verb(
            "probe",
            "Shows what runs here: ONNX Runtime, its execution providers, the machine.",
            """
            Every provider but the CPU is tried in a process of its own, for Loupe:Execution:ProbeTimeout at most: it is loaded, and runs a graph of one
            node without help. That a provider's library crashes or hangs is an answer too.
            Exit codes: 0 whatever the answers are, 1 where ONNX Runtime cannot be loaded, 2 wrong usage or settings.
            """)
        {
            probe._json, probe._providers, probe._libraries,
        };
        command.SetAction(probe.RunAsync);
        return command;
    }

    private async Task<int> RunAsync(ParseResult result, CancellationToken cancellationToken)
    {
        var output = result.InvocationConfiguration.Output;
        var error = result.InvocationConfiguration.Error;
        var environment = Environment.GetEnvironmentVariables();
        var (loaded, settingErrors) = LoadedSettings.Read(_settings, environment);
        var options = loaded.Options;
        List<string> errors = [.. settingErrors];
        var targets = Targets(result, options, errors);
        if (errors.Count > 0)
        {
            foreach (var line in errors)
            {
                await error.WriteLineAsync($"error: {line}").ConfigureAwait(false);
            }

            return ExitCode.Usage;
        }

        try
        {
            // Before anything is tried: without ONNX Runtime there is nothing to say.
            var report = Report.OfThisMachine();
            var prober = new ProviderProber(ServerProgram.AsHost(loaded, environment), TimeProvider.System);
            foreach (var target in targets)
            {
                report.Execution.Add(await prober.ProbeAnewAsync(target, options.Execution.ProbeTimeout, cancellationToken).ConfigureAwait(false));
            }

            if (result.GetValue(_json))
            {
                await output.WriteLineAsync(JsonSerializer.Serialize(report, ProviderJson.Indented)).ConfigureAwait(false);
            }
            else
            {
                report.WriteText(output);
            }

            return ExitCode.Success;
        }
        catch (Exception exception) when (exception is DllNotFoundException or TypeInitializationException or OnnxRuntimeException)
        {
            await error.WriteLineAsync($"error: ONNX Runtime cannot be loaded: {exception.GetBaseException().Message}").ConfigureAwait(false);
            return ExitCode.Failure;
        }
    }

    private List<ExecutionTarget> Targets(ParseResult result, LoupeOptions options, List<string> errors)
    {
        List<ExecutionTarget> targets = [.. InTree];
        foreach (var plugin in options.Execution.Plugins)
        {
            targets.Add(new ExecutionTarget { Kind = ProviderKind.Plugin, Provider = plugin.Name, Library = plugin.Path, Options = plugin.Options });
        }

        foreach (var library in result.GetValue(_libraries) ?? [])
        {
            if (library.Split('=', 2) is [{ Length: > 0 } name, { Length: > 0 } path])
            {
                if (targets.Exists(target => target.Provider == name))
                {
                    errors.Add($"--library {library}: the name {name} is taken by another provider.");
                }

                targets.Add(new ExecutionTarget { Kind = ProviderKind.Plugin, Provider = name, Library = Path.GetFullPath(path) });
            }
            else
            {
                errors.Add($"--library {library}: expected NAME=PATH.");
            }
        }

        var wanted = result.GetValue(_providers) ?? [];
        foreach (var name in wanted.Where(name => !targets.Exists(target => target.Provider == name)))
        {
            errors.Add($"--provider {name}: there is no such provider, only {string.Join(", ", targets.Select(static target => target.Provider))}.");
        }

        return wanted.Length == 0 ? targets : targets.FindAll(target => wanted.Contains(target.Provider));
    }

    /// <param name="Providers">As ONNX Runtime names those of this build.</param>
    private sealed record Report(string Server, string OnnxRuntime, IReadOnlyList<string> Providers, string System, string Architecture, int Cores, long MemoryBytes)
    {
        /// <summary>What became of each provider that was tried.</summary>
        public List<ProviderReport> Execution { get; } = [];

        public static Report OfThisMachine() => new(
            ProductVersion.Name,
            ProviderTrial.RuntimeVersion,
            ProviderTrial.RuntimeProviders,
            RuntimeInformation.OSDescription,
            RuntimeInformation.ProcessArchitecture.ToString(),
            Environment.ProcessorCount,
            GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);

        public void WriteText(TextWriter writer)
        {
            writer.WriteLine($"server        {Server}");
            writer.WriteLine($"ONNX Runtime  {OnnxRuntime}");
            writer.WriteLine($"providers     {string.Join(", ", Providers)}");
            writer.WriteLine($"system        {System}, {Architecture}, {Cores} cores, {MemoryBytes >> 20} MiB");
            foreach (var report in Execution)
            {
                writer.WriteLine();
                writer.WriteLine($"{report.Provider,-12}  {(report.Runs ? "runs" : report.Reason)}");
                WriteDetail(writer, "library", report.Library);
                foreach (var device in report.Devices)
                {
                    WriteDetail(writer, $"device {device.Index}", $"{device.Name} {device.Uuid}".TrimEnd());
                }

                WriteDetail(writer, "version", report.Versions.Provider);
                WriteDetail(writer, "driver", report.Versions.Driver);
                WriteDetail(writer, "CUDA", report.Versions.Cuda is { } cuda ? $"{cuda} at most, runtime {report.Versions.CudaRuntime ?? "unknown"}" : null);
                WriteDetail(writer, "cuDNN", report.Versions.CuDnn);
                WriteDetail(writer, "TensorRT", report.Versions.TensorRt);
            }
        }

        private static void WriteDetail(TextWriter writer, string name, string? value)
        {
            if (!string.IsNullOrEmpty(value))
            {
                writer.WriteLine($"  {name,-10}  {value}");
            }
        }
    }
}
