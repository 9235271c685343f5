using System.ComponentModel.DataAnnotations;
using LoupeGrpc.Engine.Configuration;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Execution;

/// <summary>What the model runs on: the ladder of execution providers.</summary>
public sealed record ExecutionOptions : IValidatableObject
{
    public const string TensorRtName = "TensorRT";
    public const string CudaName = "CUDA";
    public const string CpuName = "CPU";

    private const string KnownProviders = "expected TensorRT, CUDA, CPU or the Name of a plugin, each once, separated by commas";

    /// <summary>In the order of preference, spelled as where they are defined.</summary>
    [Setting("what the model runs on, best first", Essential = true)]
    [Names(KnownProviders, "names")]
    public IReadOnlyList<string> Providers
    {
        get => [.. field.Select(name => Known.FirstOrDefault(known => known.Equals(name, StringComparison.OrdinalIgnoreCase)) ?? name)];
        init;
    } = [TensorRtName, CudaName, CpuName];

    /// <summary>The first of <see cref="Providers"/> must serve, or the server does not start.</summary>
    [Setting("only the first provider may serve")]
    public bool Require { get; init; }

    /// <summary>Frames that one run on a device may take together. Ascending.</summary>
    [Setting("frames that share one run on a device")]
    [Buckets]
    public IReadOnlyList<int> Buckets { get; init => field = [.. value.Order()]; } = [1, 2, 4, 8];

    /// <summary>The same on the CPU, where a batch brings nothing. Ascending.</summary>
    [Setting("frames that share one run on the CPU")]
    [Buckets]
    public IReadOnlyList<int> CpuBuckets { get; init => field = [.. value.Order()]; } = [1];

    /// <summary>Empty: <c>engines</c> in the cache of the embedded model.</summary>
    [Setting("where built engines are kept", DefaultText = "engines/ in Model:CacheDirectory")]
    public string CacheDirectory { get; init; } = string.Empty;

    [Setting("when a provider being tried counts as hung")]
    [Duration("1s", "1h")]
    public TimeSpan ProbeTimeout { get; init; } = TimeSpan.FromSeconds(60);

    [Setting("when building engines is given up")]
    [Duration("1s", "24h")]
    public TimeSpan BuildTimeout { get; init; } = TimeSpan.FromHours(1);

    [SettingSection("How TensorRT runs", Name = TensorRtName)]
    public ProviderSettings TensorRt { get; init; } = new();

    [SettingSection("How CUDA runs", Name = CudaName)]
    public ProviderSettings Cuda { get; init; } = new();

    [SettingSection("How the CPU runs", Name = CpuName, Only = [nameof(ProviderSettings.Precision)])]
    public ProviderSettings Cpu { get; init; } = new();

    [SettingSection("A provider of your own, N from 0")]
    public IReadOnlyList<PluginSettings> Plugins { get; init; } = [];

    private IEnumerable<string> Known => [TensorRtName, CudaName, CpuName, .. Plugins.Select(static plugin => plugin.Name)];

    private IEnumerable<(string Name, ProviderSettings Settings)> Devices =>
        [(TensorRtName, TensorRt), (CudaName, Cuda), .. Plugins.Index().Select(static entry => ($"{nameof(Plugins)}:{entry.Index}", (ProviderSettings)entry.Item))];

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (!Providers.All(Known.Contains))
        {
            yield return new ValidationResult(KnownProviders, [nameof(Providers)]);
        }

        foreach (var entry in Devices.Where(static entry => entry.Settings.Precision == PackageLayout.Int8))
        {
            yield return new ValidationResult(
                $"{validationContext.DisplayName}:{entry.Name}:{nameof(ProviderSettings.Precision)} is {PackageLayout.Int8}, which is for the CPU: expected auto, fp32 or fp16");
        }

        foreach (var twice in Plugins.GroupBy(static plugin => plugin.Name, StringComparer.OrdinalIgnoreCase).Where(static same => same.Count() > 1))
        {
            yield return new ValidationResult(
                $"{twice.Count()} entries of {validationContext.DisplayName}:{nameof(Plugins)} have the Name '{twice.Key}'; each needs its own");
        }
    }
}

/// <summary>How one provider runs.</summary>
public record ProviderSettings
{
    /// <summary>For <see cref="Precision"/>: what suits the provider.</summary>
    public const string AnyPrecision = "auto";

    /// <summary>Each by its index or its UUID; the sessions are shared out among them.</summary>
    [Setting("devices that share sessions")]
    [Devices]
    public IReadOnlyList<string> Devices { get; init; } = ["0"];

    /// <summary>Bytes of device memory that a graph may take.</summary>
    [Setting("memory of one graph; 0: no limit")]
    [Bytes(0, 1L << 42)]
    public long MemoryLimit { get; init; }

    /// <summary><c>auto</c>: on a device fp16 where the package has it; on the CPU int8 where the package has it and the processor is fast at it, else fp32.</summary>
    [Setting("its precision")]
    [AllowedValues(AnyPrecision, PackageLayout.Fp32, PackageLayout.Fp16, PackageLayout.Int8)]
    public string Precision { get; init; } = AnyPrecision;

    /// <summary>The provider's own options, over those that the server sets.</summary>
    [Setting("an option of the provider itself")]
    public IReadOnlyDictionary<string, string> Options { get; init; } = new Dictionary<string, string>();
}

/// <summary>A provider that is a library of its own.</summary>
public sealed record PluginSettings : ProviderSettings, IValidatableObject
{
    /// <summary>As it stands in <see cref="ExecutionOptions.Providers"/>.</summary>
    [Setting("its name in Providers, results and logs", DefaultText = "none")]
    public string Name { get; init; } = string.Empty;

    [Setting("full path of its library", DefaultText = "none")]
    public string Path { get; init; } = string.Empty;

    /// <summary>The provider's option that takes the directory of its engines; empty: it builds none.</summary>
    [Setting("its option for a folder of built engines", DefaultText = "none")]
    public string EngineCacheOption { get; init; } = string.Empty;

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Name.Length == 0 || Path.Length == 0)
        {
            yield return new ValidationResult($"{validationContext.DisplayName} needs a Name and a Path");
        }
        else if (!System.IO.Path.IsPathFullyQualified(Path))
        {
            yield return new ValidationResult("expected a full path", [nameof(Path)]);
        }
    }
}
