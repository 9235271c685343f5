namespace LoupeGrpc.Engine;

/// <summary>How the engine runs a model.</summary>
public sealed record EngineOptions
{
    public EngineLimits Limits { get; init; } = new();

    /// <summary>Frames inside the pipeline at a time, all sessions together, 1 to 1024. Default 32. More callers wait.</summary>
    public int MaxFramesInPipeline { get; init; } = 32;

    /// <summary>
    /// Bytes of frames inside the pipeline at a time: as received, decoded, and of their masks. At least 1 MiB, default 256 MiB.
    /// A single larger frame still passes alone.
    /// </summary>
    public long MaxBytesInPipeline { get; init; } = 256L << 20;

    /// <summary>Callers that may wait for the pipeline, 0 to 65,536. Default 1024. More are answered <see cref="FailureKind.Overloaded"/>.</summary>
    public int MaxFramesWaiting { get; init; } = 1024;

    /// <summary>Workers that decode and preprocess, and as many that make masks, 1 to 64. Default 0: half of the cores, at least one.</summary>
    public int DecodeWorkers { get; init; }

    /// <summary>Concurrent runs of each graph on the CPU, 1 to 64. Default 0: one.</summary>
    public int ConcurrentRuns { get; init; }

    /// <summary>Threads inside one run, 1 to 256. Default 0: the number of cores.</summary>
    public int IntraOpThreads { get; init; }

    internal int EffectiveDecodeWorkers => DecodeWorkers > 0 ? DecodeWorkers : Math.Clamp(Environment.ProcessorCount / 2, 1, 64);

    internal int EffectiveConcurrentRuns => ConcurrentRuns > 0 ? ConcurrentRuns : 1;

    internal int EffectiveIntraOpThreads => IntraOpThreads > 0 ? IntraOpThreads : Math.Clamp(Environment.ProcessorCount, 1, 256);

    /// <summary>Every value that is out of its range, each as one sentence that names the setting; empty where all are in order.</summary>
    public IReadOnlyList<string> Validate()
    {
        var mistakes = new List<string>();
        Check("Loupe:Engine:MaxFramesInPipeline", MaxFramesInPipeline, 1, 1024);
        Check("Loupe:Engine:MaxBytesInPipeline", MaxBytesInPipeline, 1 << 20, long.MaxValue);
        Check("Loupe:Engine:MaxFramesWaiting", MaxFramesWaiting, 0, 65_536);
        Check("Loupe:Engine:DecodeWorkers", DecodeWorkers, 0, 64);
        Check("Loupe:Engine:ConcurrentRuns", ConcurrentRuns, 0, 64);
        Check("Loupe:Engine:IntraOpThreads", IntraOpThreads, 0, 256);
        Check("Loupe:Limits:MaxFrameBytes", Limits.MaxFrameBytes, 1, EngineLimits.LargestFrameBytes);
        Check("Loupe:Limits:MaxPixels", Limits.MaxPixels, 1, EngineLimits.LargestPixels);
        Check("Loupe:Limits:MaxSide", Limits.MaxSide, 1, EngineLimits.LargestSide);
        return mistakes;

        void Check(string setting, long value, long least, long most)
        {
            if (value < least || value > most)
            {
                mistakes.Add($"{setting} is {value}, outside {least} to {most}.");
            }
        }
    }
}

/// <summary>What a frame may be. Over one of them it fails with <see cref="FailureKind.TooLarge"/>.</summary>
public sealed record EngineLimits
{
    /// <summary>A message of gRPC and an array of .NET end there.</summary>
    internal const long LargestFrameBytes = int.MaxValue - (1 << 20);

    /// <summary>OpenCV decodes no more.</summary>
    internal const long LargestPixels = 1L << 30;

    internal const int LargestSide = 65_535;

    /// <summary>Bytes, 1 to 2,146,435,071. Default 32 MiB. Setting <c>Loupe:Limits:MaxFrameBytes</c>.</summary>
    public long MaxFrameBytes { get; init; } = 32L << 20;

    /// <summary>Width times height, 1 to 2³⁰. Default 100 million. Setting <c>Loupe:Limits:MaxPixels</c>.</summary>
    public long MaxPixels { get; init; } = 100_000_000;

    /// <summary>Pixels of the longer side, 1 to 65,535. Default 16,384. Setting <c>Loupe:Limits:MaxSide</c>.</summary>
    public int MaxSide { get; init; } = 16_384;
}
