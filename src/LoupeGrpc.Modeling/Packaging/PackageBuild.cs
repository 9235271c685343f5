using Google.Protobuf;
using LoupeGrpc.Modeling.Checkpoints;
using LoupeGrpc.Modeling.Configuration;
using LoupeGrpc.Modeling.Graphs;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Modeling.Packaging;

/// <summary>
/// A package being written: <see cref="Start"/> writes graphs and weights beside the output, the caller records the self-check with them,
/// <see cref="Complete"/> puts the package in place. Disposed without that, it leaves nothing behind. Not thread-safe.
/// </summary>
public sealed class PackageBuild : IDisposable
{
    // Side of the map in which the authors sum the queries' masks, whatever the image size.
    private const int MaskDecodeSize = 384;
    private const float MaskThreshold = 0.5f;

    private readonly StagingDirectory _staging;
    private readonly string _output;
    private ModelManifest _manifest;

    private PackageBuild(StagingDirectory staging, string output, ModelManifest manifest)
    {
        _staging = staging;
        _output = output;
        _manifest = manifest;
    }

    /// <summary>The package as far as it is: graphs, weights and adapted tensors, to be run for the self-check. Gone after <see cref="Complete"/> and disposal.</summary>
    public ModelPackage Staged => ModelPackage.OpenStaged(_staging.Path);

    /// <summary>Checks every tensor, then writes everything but the self-check. Holds a few megabytes of the weights at a time.</summary>
    /// <param name="output">The directory that the package becomes; absent or empty unless <see cref="PackageOptions.Overwrite"/>.</param>
    /// <param name="progress">Called on the calling thread; null for nobody.</param>
    /// <exception cref="CheckpointException">Names every tensor that is missing, has another shape or has no place; nothing was written.</exception>
    /// <exception cref="PackageException">A setting no graph can be built for, or an output that is taken or cannot be written.</exception>
    /// <exception cref="OperationCanceledException">Nothing is left behind.</exception>
    public static PackageBuild Start(
        LoupeConfig config,
        ITensorSource source,
        string output,
        PackageOptions options,
        Action<PackageProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        progress?.Invoke(new PackageProgress(PackagePhase.Graphs, 0, 0));
        var graphs = ModelGraphs.Build(config, source, options.Producer);
        cancellationToken.ThrowIfCancellationRequested();
        StagingDirectory? staging = null;
        try
        {
            staging = new StagingDirectory(output, options.Overwrite);
            var manifest = WriteFiles(staging.Path, config, source, options, graphs, progress, cancellationToken);
            progress?.Invoke(new PackageProgress(PackagePhase.Staged, graphs.Weights.Length, graphs.Weights.Length));
            return new PackageBuild(staging, output, manifest);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            staging?.Dispose();
            throw new PackageException($"The package cannot be written to {output}: {exception.Message}", exception);
        }
        catch
        {
            staging?.Dispose();
            throw;
        }
    }

    /// <summary>Adds the self-check and puts the package in place.</summary>
    /// <param name="selfCheck">The fixed input and the outputs recorded for it, named as in <see cref="PackageTensors"/>.</param>
    /// <exception cref="PackageException">The output cannot be written, or was taken in the meantime.</exception>
    public ModelPackage Complete(IEnumerable<(string Name, IReadOnlyList<long> Shape, ReadOnlyMemory<float> Values)> selfCheck)
    {
        try
        {
            _manifest = _manifest with { SelfCheck = WriteTensors(_staging.Path, PackageLayout.SelfCheck, selfCheck) };
            File.WriteAllBytes(Path.Combine(_staging.Path, PackageLayout.Manifest), _manifest.ToBytes());
            _staging.Publish();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new PackageException($"The package cannot be written to {_output}: {exception.Message}", exception);
        }

        return ModelPackage.Open(_output);
    }

    public void Dispose() => _staging.Dispose();

    private static ModelManifest WriteFiles(
        string directory,
        LoupeConfig config,
        ITensorSource source,
        PackageOptions options,
        ModelGraphs graphs,
        Action<PackageProgress>? progress,
        CancellationToken cancellationToken)
    {
        const string Precision = PackageLayout.Fp32;
        var files = new PrecisionFiles(
            Write(directory, PackageLayout.Encoder(Precision), stream => graphs.Encoder.WriteTo(stream)),
            Write(directory, PackageLayout.Segmentor(Precision), stream => graphs.Segmentor.WriteTo(stream)),
            Write(directory, PackageLayout.Adapt(Precision), stream => graphs.Adapt.WriteTo(stream)),
            Write(directory, PackageLayout.Weights(Precision), stream => graphs.Weights.Write(
                stream,
                source,
                written => progress?.Invoke(new PackageProgress(PackagePhase.Weights, written, graphs.Weights.Length)),
                cancellationToken)));

        var theta = WriteTensors(directory, PackageLayout.Theta, graphs.Theta.Select(static theta =>
            (theta.Tensor.Name, (IReadOnlyList<long>)[.. theta.Tensor.Shape], (ReadOnlyMemory<float>)theta.Values)));
        var manifest = Manifest(config, options, [.. graphs.Theta.Select(static theta => theta.Tensor)], new Dictionary<string, PrecisionFiles> { [Precision] = files }, theta);
        File.WriteAllBytes(Path.Combine(directory, PackageLayout.Manifest), manifest.ToBytes());
        return manifest;
    }

    private static ModelManifest Manifest(
        LoupeConfig config,
        PackageOptions options,
        IReadOnlyList<AdaptedTensor> adapted,
        Dictionary<string, PrecisionFiles> precisions,
        PackageFile theta)
    {
        var (backbone, segmentor, loss) = (config.Backbone, config.Segmentor, config.Loss);
        return new ModelManifest
        {
            FormatVersion = PackageLayout.FormatVersion,
            Name = options.Name,
            Version = options.Version,
            Demonstration = options.Demonstration,
            Producer = options.Producer,
            ImageSize = backbone.ImageSize,
            PatchSize = backbone.PatchSize,
            Grid = backbone.Grid,
            Mean = [0.5f, 0.5f, 0.5f],
            Std = [0.5f, 0.5f, 0.5f],
            ClassToken = backbone.UseClassToken,
            Width = backbone.Width,
            Queries = segmentor.Queries,
            Hidden = segmentor.HiddenDim,
            MaskFeatures = segmentor.MaskFeatureSize,
            DecoderPredictions = MaskDecoder.Predictions(segmentor),
            MaskGrid = 4 * backbone.Grid,
            MaskDecode = new MaskDecodeSettings(MaskDecodeSize, MaskThreshold),
            Loss = new LossSettings(
                loss.MaskWeight,
                loss.ClassWeight,
                loss.DiceWeight,
                loss.NoObjectWeight,
                loss.PixelForgeWeight,
                loss.PixelPolyEpsilon,
                loss.TverskyAlpha),
            AdaptedTensors = adapted,
            Precisions = precisions,
            Theta = theta,
        };
    }

    private static PackageFile WriteTensors(
        string directory, string path, IEnumerable<(string Name, IReadOnlyList<long> Shape, ReadOnlyMemory<float> Values)> tensors)
    {
        var all = tensors.ToList();
        return Write(directory, path, stream =>
        {
            var writer = new SafetensorsWriter(stream, all.ConvertAll(static tensor => new SafetensorsTensor(tensor.Name, ElementType.Float32, tensor.Shape)));
            foreach (var (name, _, values) in all)
            {
                writer.Append(name, values.Span);
            }

            writer.Complete();
        });
    }

    private static PackageFile Write(string directory, string path, Action<Stream> write)
    {
        using var file = new HashingFile(directory, path);
        write(file);
        return file.Finish();
    }
}
