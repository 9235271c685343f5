using LoupeGrpc.Engine;
using LoupeGrpc.Modeling.Checkpoints;
using LoupeGrpc.Modeling.Configuration;
using LoupeGrpc.Modeling.Packaging;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Server.Models;

/// <summary>Checkpoint to package: Modeling writes it, the engine records its self-check.</summary>
internal static class ModelConversion
{
    /// <param name="weights">Later files overlay earlier ones.</param>
    /// <param name="output">The directory that the package becomes. Whole, or not there.</param>
    /// <param name="verified">Called with each precision and how far it is from the recorded answers; null for nobody.</param>
    /// <exception cref="LoupeConfigException">The configuration cannot be read or does not fit.</exception>
    /// <exception cref="CheckpointException">A weights file cannot be read, or lacks what the configuration asks for.</exception>
    /// <exception cref="PackageException">The output is taken or cannot be written.</exception>
    /// <exception cref="ModelLoadException">The new graphs do not run, or one precision is too far from single precision.</exception>
    /// <exception cref="OperationCanceledException"/>
    public static ModelPackage Run(
        string configuration,
        IReadOnlyList<string> weights,
        string output,
        PackageOptions options,
        Action<PackageProgress>? progress,
        Action<string, SelfCheckReport>? verified,
        CancellationToken cancellationToken)
    {
        var config = LoupeConfigReader.Read(configuration);
        using var checkpoint = Checkpoint.Open(weights);
        using var build = PackageBuild.Start(config, checkpoint, output, options, progress, cancellationToken);
        build.AddSelfCheck(SelfCheckRecorder.Record(build.Staged));
        foreach (var precision in options.Precisions)
        {
            cancellationToken.ThrowIfCancellationRequested();
            verified?.Invoke(precision, Verify(build.Staged, precision));
        }

        return build.Complete();
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
                $"{precision} is not exact enough for this model: {exception.Output} is off by {exception.Distance:G3} from what {PackageLayout.Fp32} answers "
                + $"(root mean square, relative), {exception.Tolerance:G1} is allowed. Convert it with --precision {PackageLayout.Fp32}.",
                exception);
        }
    }

    /// <summary>Whether a failure is about what was given, and its message enough.</summary>
    public static bool IsExpected(Exception exception) =>
        exception is LoupeConfigException or CheckpointException or PackageException or ModelLoadException;
}
