using LoupeGrpc.Packaging;

namespace LoupeGrpc.Engine;

/// <summary>Ways in which ONNX Runtime comes to a provider.</summary>
public enum ProviderKind
{
    /// <summary>Always there.</summary>
    Cpu,

    /// <summary>In the Gpu package.</summary>
    Cuda,

    /// <summary>In the Gpu package; builds engines.</summary>
    TensorRt,

    /// <summary>A library registered by path.</summary>
    Plugin,
}

/// <summary>On what, and how, one engine runs its package.</summary>
public sealed record ExecutionTarget
{
    /// <summary>Frames in one run.</summary>
    public const int LargestBucket = 64;

    /// <summary>The CPU in single precision, one frame a run.</summary>
    public static ExecutionTarget Cpu { get; } = new() { Kind = ProviderKind.Cpu, Provider = "CPU" };

    public required ProviderKind Kind { get; init; }

    /// <summary>As results and logs name it: <c>CPU</c>, <c>CUDA</c>, <c>TensorRT</c>, or the plugin's name in the settings.</summary>
    public required string Provider { get; init; }

    /// <summary>Folder of the package that is run: <c>fp32</c>, <c>fp16</c> or, on the CPU, <c>int8</c>.</summary>
    public string Precision { get; init; } = PackageLayout.Fp32;

    /// <summary>The provider's options, as ONNX Runtime takes them. Empty for the CPU.</summary>
    public IReadOnlyDictionary<string, string> Options { get; init; } = new Dictionary<string, string>();

    /// <summary>Full path of a plugin's library; empty for the others.</summary>
    public string Library { get; init; } = string.Empty;

    /// <summary>Name of the device, for people; empty where there is nothing to name.</summary>
    public string Device { get; init; } = string.Empty;

    /// <summary>Which of the provider's devices, from 0.</summary>
    public int DeviceIndex { get; init; }

    /// <summary>Frames that one run may take together, ascending, beginning with 1.</summary>
    public IReadOnlyList<int> Buckets { get; init; } = [1];

    /// <summary>Whether it has memory and an order of execution of its own: runs come from one thread then, one after the other.</summary>
    public bool IsDevice => Kind != ProviderKind.Cpu;

    /// <summary>What is wrong with the buckets, as one sentence; empty where nothing is.</summary>
    public IReadOnlyList<string> Validate() =>
        Buckets.Count == 0 || Buckets[0] != 1 || Buckets.Zip(Buckets.Skip(1)).Any(static pair => pair.First >= pair.Second) || Buckets[^1] > LargestBucket
            ? [$"The buckets [{string.Join(", ", Buckets)}] do not begin with 1 and ascend to at most {LargestBucket}."]
            : [];

    internal ExecutionDescription Describe() => new(Provider, Precision, Device);
}
