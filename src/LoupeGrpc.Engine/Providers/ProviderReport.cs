namespace LoupeGrpc.Engine.Providers;

/// <summary>How the trial of a provider ended.</summary>
public enum TrialOutcome
{
    /// <summary>By itself, with an answer.</summary>
    Completed,

    /// <summary>The provider's library took the process with it.</summary>
    Crashed,

    /// <summary>It did not answer in time.</summary>
    TimedOut,
}

/// <summary>What a trial found out about one provider.</summary>
public sealed record ProviderReport
{
    /// <summary>As results and logs name it.</summary>
    public required string Provider { get; init; }

    public required ProviderKind Kind { get; init; }

    public TrialOutcome Outcome { get; init; } = TrialOutcome.Completed;

    /// <summary>Full path of its library; empty for the CPU and for a provider that is not in this build.</summary>
    public string Library { get; init; } = string.Empty;

    /// <summary>It is in this build, or its library's file is there.</summary>
    public bool Exists { get; init; }

    /// <summary>Its library was loaded.</summary>
    public bool Loads { get; init; }

    /// <summary>It ran a graph of one node, alone and correctly: everything a provider needs is there.</summary>
    public bool Runs { get; init; }

    /// <summary>Why it does not run, as one sentence; empty where it does.</summary>
    public string Reason { get; init; } = string.Empty;

    public IReadOnlyList<ProviderDevice> Devices { get; init; } = [];

    /// <summary>Shared libraries that it is linked with and that are not on this machine.</summary>
    public IReadOnlyList<string> MissingLibraries { get; init; } = [];

    public ProviderVersions Versions { get; init; } = new();

    /// <summary>How long the trial took.</summary>
    public double Seconds { get; init; }
}

/// <param name="Index">From 0, as <c>device_id</c> takes it.</param>
/// <param name="Name">For people.</param>
/// <param name="Uuid">As <c>nvidia-smi</c> shows it; empty where the driver does not tell.</param>
public sealed record ProviderDevice(int Index, string Name, string Uuid = "");

/// <summary>Versions, each null where it could not be learnt.</summary>
public sealed record ProviderVersions
{
    public string? OnnxRuntime { get; init; }

    /// <summary>What a plugin says of itself.</summary>
    public string? Provider { get; init; }

    /// <summary>Of NVIDIA's kernel module.</summary>
    public string? Driver { get; init; }

    /// <summary>The latest that the driver can run.</summary>
    public string? Cuda { get; init; }

    public string? CudaRuntime { get; init; }

    public string? CuDnn { get; init; }

    public string? TensorRt { get; init; }
}
