using LoupeGrpc.Engine;
using LoupeGrpc.Modeling.Checkpoints;
using LoupeGrpc.Modeling.Configuration;
using LoupeGrpc.Modeling.Packaging;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Server.Models;

/// <summary>What to convert.</summary>
/// <param name="Configuration">The model's settings file.</param>
/// <param name="Weights">Later files overlay earlier ones.</param>
/// <param name="Output">The directory that the package becomes. Whole, or not there.</param>
internal sealed record ConversionRequest(string Configuration, IReadOnlyList<string> Weights, string Output, PackageOptions Options)
{
    /// <summary>Where a file holds averaged (EMA) weights beside the plain ones, take the averaged. Default: the plain.</summary>
    public bool TakeAveraged { get; init; }

    /// <summary>Null for nobody.</summary>
    public Action<PackageProgress>? Progress { get; init; }

    /// <summary>What <see cref="PackageLayout.Int8"/> is measured on; null: <see cref="SamplePictures"/>.</summary>
    public IReadOnlyList<string>? Pictures { get; init; }

    /// <summary>How far <see cref="PackageLayout.Int8"/> may be off on them.</summary>
    public QuantizationBound Bound { get; init; } = QuantizationBound.Default;

    /// <summary>Null for nobody.</summary>
    public IQuantizationWatch? Quantization { get; init; }

    /// <summary>Called with each precision and how far it is from the recorded answers; null for nobody.</summary>
    public Action<string, SelfCheckReport>? Verified { get; init; }
}

/// <summary>What is told while a package is quantised.</summary>
internal interface IQuantizationWatch
{
    /// <summary>The pictures were read.</summary>
    void Read(QuantizationPictures pictures);

    /// <summary>So many of all layers were tried alone.</summary>
    void Tried(int layers, int of);

    /// <summary>It is done, and within its bound.</summary>
    void Quantized(QuantizationSettings settings);
}

/// <summary>Checkpoint to package: Modeling writes it, the engine records its self-check.</summary>
internal static class ModelConversion
{
    /// <exception cref="LoupeConfigException">The configuration cannot be read or does not fit.</exception>
    /// <exception cref="CheckpointException">A weights file cannot be read, gives nothing, lacks what the configuration asks for or holds values that are not finite.</exception>
    /// <exception cref="PackageException">The output is taken or cannot be written.</exception>
    /// <exception cref="ModelLoadException">The new graphs do not run, answer with what is no number, or one precision is too far from single precision.</exception>
    /// <exception cref="OperationCanceledException"/>
    public static ModelPackage Run(ConversionRequest request, CancellationToken cancellationToken)
    {
        var config = LoupeConfigReader.Read(request.Configuration);
        using var checkpoint = Checkpoint.Open(request.Weights, request.TakeAveraged);
        using var build = PackageBuild.Start(config, checkpoint, request.Output, request.Options, request.Progress, cancellationToken);
        build.AddSelfCheck(Record(build.Staged, PackageLayout.Fp32));
        if (build.Trial is { } trial)
        {
            Quantize(build, trial, request, cancellationToken);
        }

        foreach (var precision in request.Options.Precisions)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var report = Verify(build.Staged, precision);
            request.Verified?.Invoke(precision, report);
        }

        return build.Complete();
    }

    /// <summary>Whether a failure is about what was given, and its message enough.</summary>
    public static bool IsExpected(Exception exception) =>
        exception is LoupeConfigException or CheckpointException or PackageException or ModelLoadException;

    private static void Quantize(PackageBuild build, QuantizationTrial trial, ConversionRequest request, CancellationToken cancellationToken)
    {
        var pictures = QuantizationPictures.Read(build.Staged.Manifest, request.Pictures ?? SamplePictures.Files, cancellationToken);
        request.Quantization?.Read(pictures);
        var chosen = QuantizationTrials.Choose(build.Staged, trial, pictures, request.Bound, request.Quantization is { } watch ? watch.Tried : null, cancellationToken);
        build.AddQuantized(chosen, cancellationToken);
        var settings = QuantizationTrials.Verify(build.Staged, pictures, request.Bound, cancellationToken);
        build.AddQuantizedSelfCheck(settings, Record(build.Staged, PackageLayout.Int8));
        request.Quantization?.Quantized(settings);
    }

    private static IReadOnlyList<(string Name, IReadOnlyList<long> Shape, ReadOnlyMemory<float> Values)> Record(ModelPackage package, string precision)
    {
        var recorded = SelfCheckRecorder.Record(package, precision);
        foreach (var (name, _, values) in recorded)
        {
            foreach (var value in values.Span)
            {
                if (!float.IsFinite(value))
                {
                    throw new ModelLoadException(
                        $"The model answers a fixed picture with {name} that is not a finite number, although every weight is: some are so large that calculating with them overflows. "
                        + "Check that the weights are of one training run and belong to this configuration.");
                }
            }
        }

        return recorded;
    }

    private static SelfCheckReport Verify(ModelPackage package, string precision)
    {
        try
        {
            return SelfCheckRecorder.Verify(package, precision);
        }
        catch (SelfCheckException exception) when (precision != PackageLayout.Fp32)
        {
            throw new ModelLoadException(
                $"{precision} is not exact enough for this model: {exception.Output} differs by {exception.Distance:G3} from what {PackageLayout.Fp32} answers "
                + $"(root mean square, relative); at most {exception.Tolerance:G1} is allowed. Convert it with --precision {PackageLayout.Fp32}.",
                exception);
        }
    }
}
