using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Providers;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Execution;

/// <summary>One configured execution provider, before anything was tried.</summary>
/// <param name="Library">Full path of a plugin's library; empty for the others.</param>
/// <param name="Buckets">Ascending, beginning with 1.</param>
/// <param name="EngineCacheOption">A plugin's option that takes the directory of its engines; empty where there is none.</param>
public sealed record PlannedRung(
    string Provider, ProviderKind Kind, string Precision, string Library, IReadOnlyList<int> Buckets, string EngineCacheOption, ProviderSettings Settings)
{
    /// <summary>Engines are built before it can serve, which takes minutes.</summary>
    public bool BuildsEngines => Kind == ProviderKind.TensorRt || EngineCacheOption.Length > 0;

    /// <summary>What is configured, in the order of preference.</summary>
    /// <exception cref="PackageException">The package does not have a precision that a setting asks for; the message names both.</exception>
    public static IReadOnlyList<PlannedRung> Plan(ExecutionOptions options, ModelPackage package) => Plan(options, package, Int8Processor.IsFast);

    /// <param name="fastInt8">Whether this processor is faster in 8 bits.</param>
    /// <exception cref="PackageException">As of the other.</exception>
    internal static IReadOnlyList<PlannedRung> Plan(ExecutionOptions options, ModelPackage package, bool fastInt8) =>
        [.. (options.Require ? options.Providers.Take(1) : options.Providers).Select(provider => Plan(provider, options, package, fastInt8))];

    /// <summary>What ONNX Runtime is told, on one device.</summary>
    /// <param name="cacheDirectory">Of built engines; empty where none are built.</param>
    public ExecutionTarget Target(ModelManifest manifest, int deviceIndex, string deviceName, string cacheDirectory) => new()
    {
        Kind = Kind,
        Provider = Provider,
        Precision = Precision,
        Library = Library,
        Buckets = Buckets,
        DeviceIndex = deviceIndex,
        Device = deviceName,
        Options = Options(manifest, cacheDirectory),
    };

    /// <summary>The server's options for the provider, and over them the user's.</summary>
    public IReadOnlyDictionary<string, string> Options(ModelManifest manifest, string cacheDirectory)
    {
        var options = new SortedDictionary<string, string>(StringComparer.Ordinal);
        Add(Kind switch
        {
            ProviderKind.Cuda => ProviderOptions.Cuda(Settings.MemoryLimit),
            ProviderKind.TensorRt => ProviderOptions.TensorRt(manifest, Buckets, Settings.MemoryLimit, cacheDirectory),
            ProviderKind.Plugin when EngineCacheOption.Length > 0 => new Dictionary<string, string> { [EngineCacheOption] = cacheDirectory },
            _ => new Dictionary<string, string>(),
        });
        Add(Settings.Options);
        return options;

        void Add(IReadOnlyDictionary<string, string> more)
        {
            foreach (var (name, value) in more)
            {
                options[name] = value;
            }
        }
    }

    private static PlannedRung Plan(string provider, ExecutionOptions options, ModelPackage package, bool fastInt8)
    {
        var (index, plugin) = options.Plugins.Index().FirstOrDefault(entry => entry.Item.Name == provider);
        var (kind, settings) = plugin is not null ? (ProviderKind.Plugin, plugin) : provider switch
        {
            ExecutionOptions.TensorRtName => (ProviderKind.TensorRt, options.TensorRt),
            ExecutionOptions.CudaName => (ProviderKind.Cuda, options.Cuda),
            _ => (ProviderKind.Cpu, options.Cpu),
        };
        return new PlannedRung(
            provider,
            kind,
            PrecisionOf(provider, kind, settings, plugin is null ? provider : $"Plugins:{index}", package, fastInt8),
            plugin?.Path ?? string.Empty,
            kind == ProviderKind.Cpu ? options.CpuBuckets : options.Buckets,
            plugin?.EngineCacheOption ?? string.Empty,
            settings);
    }

    /// <summary>A CPU gains nothing from half precision, a GPU twice the speed; graphs in 8 bits are for CPUs that are fast at them.</summary>
    private static string PrecisionOf(string provider, ProviderKind kind, ProviderSettings settings, string entry, ModelPackage package, bool fastInt8)
    {
        var there = package.Manifest.Precisions.Keys;
        string[] preferred = settings.Precision != ProviderSettings.AnyPrecision ? [settings.Precision]
            : kind == ProviderKind.Cpu && fastInt8 ? [PackageLayout.Int8, PackageLayout.Fp32, PackageLayout.Fp16]
            : kind == ProviderKind.Cpu ? [PackageLayout.Fp32, PackageLayout.Fp16]
            : [PackageLayout.Fp16, PackageLayout.Fp32];
        return preferred.FirstOrDefault(there.Contains) ?? throw new PackageException(
            $"{provider} is set to run {string.Join(" or ", preferred)}, but {package.Directory} has only {string.Join(", ", there)}: "
            + $"change Loupe:Execution:{entry}:Precision, or convert the model with --precision {string.Join(',', preferred)}.");
    }
}
