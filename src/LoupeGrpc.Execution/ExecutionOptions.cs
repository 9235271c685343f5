namespace LoupeGrpc.Execution;

/// <summary>What the model runs on: the ladder of execution providers.</summary>
public sealed record ExecutionOptions
{
    public const string TensorRtName = "TensorRT";
    public const string CudaName = "CUDA";
    public const string CpuName = "CPU";

    /// <summary>In the order of preference. Default TensorRT, CUDA, CPU.</summary>
    public IReadOnlyList<string> Providers { get; init; } = [TensorRtName, CudaName, CpuName];

    /// <summary>The first of <see cref="Providers"/> must serve, or the server does not start. Default false.</summary>
    public bool Require { get; init; }

    /// <summary>Frames that one run on a device may take together. Default 1, 2, 4, 8.</summary>
    public IReadOnlyList<int> Buckets { get; init; } = [1, 2, 4, 8];

    /// <summary>The same on the CPU, where a batch brings nothing. Default 1.</summary>
    public IReadOnlyList<int> CpuBuckets { get; init; } = [1];

    /// <summary>Where built engines are kept. Default (empty): <c>engines</c> in the cache of the embedded model.</summary>
    public string CacheDirectory { get; init; } = string.Empty;

    /// <summary>After which a provider that is being tried counts as hanging. Default 60 s.</summary>
    public TimeSpan ProbeTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>After which a build of engines is stopped. Default 1 h.</summary>
    public TimeSpan BuildTimeout { get; init; } = TimeSpan.FromHours(1);

    public ProviderSettings TensorRt { get; init; } = new();

    public ProviderSettings Cuda { get; init; } = new();

    public ProviderSettings Cpu { get; init; } = new();

    public IReadOnlyList<PluginSettings> Plugins { get; init; } = [];
}

/// <summary>How one provider runs.</summary>
public record ProviderSettings
{
    /// <summary>For <see cref="Precision"/>: what suits the provider.</summary>
    public const string AnyPrecision = "auto";

    /// <summary>Each by its index or its UUID; the sessions are shared out among them. Default: the first.</summary>
    public IReadOnlyList<string> Devices { get; init; } = ["0"];

    /// <summary>Bytes of device memory that a graph may take; 0: no limit. Default 0.</summary>
    public long MemoryLimit { get; init; }

    /// <summary><c>fp32</c>, <c>fp16</c>, or <c>auto</c>: on a device fp16 where the package has it, on the CPU fp32. Default <c>auto</c>.</summary>
    public string Precision { get; init; } = AnyPrecision;

    /// <summary>The provider's own options, over those that the server sets.</summary>
    public IReadOnlyDictionary<string, string> Options { get; init; } = new Dictionary<string, string>();
}

/// <summary>A provider that is a library of its own.</summary>
public sealed record PluginSettings : ProviderSettings
{
    /// <summary>As it stands in <see cref="ExecutionOptions.Providers"/>.</summary>
    public string Name { get; init; } = string.Empty;

    /// <summary>Full path of the library.</summary>
    public string Path { get; init; } = string.Empty;

    /// <summary>The provider's option that takes the directory of its engines; empty: it builds none.</summary>
    public string EngineCacheOption { get; init; } = string.Empty;
}
