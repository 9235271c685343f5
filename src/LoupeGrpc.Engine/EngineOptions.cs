namespace LoupeGrpc.Engine;

/// <summary>How the engine runs a model.</summary>
public sealed record EngineOptions
{
    public EngineLimits Limits { get; init; } = new();

    /// <summary>Frames inside the pipeline at a time, all sessions together, 1 to 1024. Default 32. More callers wait.</summary>
    public int MaxFramesInPipeline { get; init; } = 32;

    /// <summary>Bytes of frames inside the pipeline at a time. Default 256 MiB. A single larger frame still passes alone.</summary>
    public long MaxBytesInPipeline { get; init; } = 256L << 20;

    /// <summary>Workers that decode and preprocess, 1 to 64. Default 0: half of the cores, at least one.</summary>
    public int DecodeWorkers { get; init; }

    /// <summary>Concurrent runs of each graph on the CPU, 1 to 64. Default 0: one.</summary>
    public int ConcurrentRuns { get; init; }

    /// <summary>Threads inside one run, 1 to 256. Default 0: the number of cores.</summary>
    public int IntraOpThreads { get; init; }

    /// <summary>Compare the package's recorded answer with what this machine computes before serving. Default true; only <c>convert</c>, which records it, turns it off.</summary>
    public bool SelfCheck { get; init; } = true;
}

/// <summary>What a frame may be. Over one of them it fails with <see cref="FailureKind.TooLarge"/>.</summary>
public sealed record EngineLimits
{
    /// <summary>Bytes. Default 32 MiB. Setting <c>Loupe:Limits:MaxFrameBytes</c>.</summary>
    public long MaxFrameBytes { get; init; } = 32L << 20;

    /// <summary>Width times height. Default 100 million. Setting <c>Loupe:Limits:MaxPixels</c>.</summary>
    public long MaxPixels { get; init; } = 100_000_000;

    /// <summary>Pixels of the longer side, at most 65,535. Default 16,384. Setting <c>Loupe:Limits:MaxSide</c>.</summary>
    public int MaxSide { get; init; } = 16_384;
}
