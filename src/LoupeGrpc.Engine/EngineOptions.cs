using System.ComponentModel.DataAnnotations;
using LoupeGrpc.Engine.Configuration;

namespace LoupeGrpc.Engine;

/// <summary>How the engine runs a model. Ranges stand in the attributes.</summary>
public sealed record EngineOptions : IValidatableObject
{
    public EngineLimits Limits { get; init; } = new();

    public ImagingOptions Imaging { get; init; } = new();

    public ProvenanceOptions Provenance { get; init; } = new();

    /// <summary>More callers wait.</summary>
    [Setting("frames in the engine, all sessions together")]
    [Range(1, 1024)]
    public int MaxFramesInPipeline { get; init; } = 32;

    /// <summary>Of frames as received, decoded, and of their masks. A single larger frame still passes alone.</summary>
    [Setting("their memory, decoded as well")]
    [Bytes(1 << 20, 1L << 40)]
    public long MaxBytesInPipeline { get; init; } = 1L << 30;

    /// <summary>More are answered <see cref="FailureKind.Overloaded"/>.</summary>
    [Setting("frames that may wait for the engine")]
    [Range(0, 65_536)]
    public int MaxFramesWaiting { get; init; } = 1024;

    /// <summary>
    /// Pictures that are decoded at a time, and as many masks that are made, as far as there are cores for them. With more than one, one of each is kept from large pictures.
    /// 0: half of the cores, at least 2.
    /// </summary>
    [Setting("decoded at a time; 0: half of the cores")]
    [Range(0, 64)]
    public int DecodeWorkers { get; init; }

    /// <summary>
    /// Of as many threads as <see cref="IntraOpThreads"/> says. 0: as the frames inside want it, from one run on all of these threads to as many runs of one thread
    /// each; a model whose weights are large stays with the former, which loses little there.
    /// </summary>
    [Setting("runs of each graph on the CPU; 0: automatic")]
    [Range(0, 64)]
    public int ConcurrentRuns { get; init; }

    [Setting("threads inside one run; 0: as many as cores")]
    [Range(0, 256)]
    public int IntraOpThreads { get; init; }

    /// <summary>
    /// A run of the model is given up, and what it runs on with it, when it takes more than this many times what runs of its graph and size have taken so far.
    /// 0: never, else at least 2. Runs that warm the model up at the start may take as long as they need.
    /// </summary>
    [Setting("a run this many times slower has hung")]
    [Range(0, 100_000)]
    public int RunTimeoutFactor { get; init; } = 50;

    /// <summary>A run is not given up before, however short others were.</summary>
    [Setting("least time before a run counts as hung")]
    [Duration("1s", "24h")]
    public TimeSpan MinRunTimeout { get; init; } = TimeSpan.FromSeconds(30);

    public int EffectiveDecodeWorkers => DecodeWorkers > 0 ? DecodeWorkers : Math.Clamp(Environment.ProcessorCount / 2, 2, 64);

    internal int EffectiveConcurrentRuns => ConcurrentRuns > 0 ? ConcurrentRuns : 1;

    /// <summary>Whether the engine chooses on how many threads a run works.</summary>
    internal bool ParallelizesRuns => ConcurrentRuns == 0 && EffectiveIntraOpThreads > 1;

    internal int EffectiveIntraOpThreads => IntraOpThreads > 0 ? IntraOpThreads : Math.Clamp(Environment.ProcessorCount, 1, 256);

    IEnumerable<ValidationResult> IValidatableObject.Validate(ValidationContext validationContext)
    {
        if (RunTimeoutFactor == 1)
        {
            yield return new ValidationResult("expected 0, or 2 and more: runs differ by chance", [nameof(RunTimeoutFactor)]);
        }
    }

    /// <summary>Every value that is out of its range, each as one sentence that names the setting; empty where all are in order.</summary>
    public IReadOnlyList<string> Validate() =>
    [
        .. SettingsValidation.Validate(this, "Loupe:Engine")
            .Concat(SettingsValidation.Validate(Limits, "Loupe:Limits"))
            .Concat(SettingsValidation.Validate(Imaging, "Loupe:Imaging"))
            .Concat(SettingsValidation.Validate(Provenance, "Loupe:Provenance"))
            .Select(static error => error.ToString()),
    ];
}

/// <summary>What a frame may be. Over one of them it fails with <see cref="FailureKind.TooLarge"/>.</summary>
public record EngineLimits
{
    internal const int LargestSide = 65_535;

    [Setting("largest frame", Essential = true)]
    [Bytes(1 << 10, 1 << 30)]
    public long MaxFrameBytes { get; init; } = 32L << 20;

    /// <summary>OpenCV decodes no more than 2³⁰.</summary>
    [Setting("width times height of a frame")]
    [LongRange(1, 1 << 30)]
    public long MaxPixels { get; init; } = 100_000_000;

    [Setting("longer side of a frame, pixels")]
    [Range(1, LargestSide)]
    public int MaxSide { get; init; } = 16_384;

    /// <summary>Encoders make about ten; each goes over the whole picture.</summary>
    [Setting("scans of a progressive JPEG")]
    [Range(1, 1000)]
    public int MaxScans { get; init; } = 100;
}
