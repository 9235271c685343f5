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
    /// <exception cref="LoupeConfigException">The configuration cannot be read or does not fit.</exception>
    /// <exception cref="CheckpointException">A weights file cannot be read, or lacks what the configuration asks for.</exception>
    /// <exception cref="PackageException">The output is taken or cannot be written.</exception>
    /// <exception cref="ModelLoadException">The new graphs do not run.</exception>
    /// <exception cref="OperationCanceledException"/>
    public static ModelPackage Run(
        string configuration, IReadOnlyList<string> weights, string output, PackageOptions options, Action<PackageProgress>? progress, CancellationToken cancellationToken)
    {
        var config = LoupeConfigReader.Read(configuration);
        using var checkpoint = Checkpoint.Open(weights);
        using var build = PackageBuild.Start(config, checkpoint, output, options, progress, cancellationToken);
        var recorded = SelfCheckRecorder.Record(build.Staged);
        cancellationToken.ThrowIfCancellationRequested();
        return build.Complete(recorded);
    }

    /// <summary>Whether a failure is about what was given, and its message enough.</summary>
    public static bool IsExpected(Exception exception) =>
        exception is LoupeConfigException or CheckpointException or PackageException or ModelLoadException;
}
