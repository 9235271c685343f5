using Google.Protobuf;
using LoupeGrpc.Modeling.Checkpoints;
using LoupeGrpc.Modeling.Configuration;
using LoupeGrpc.Modeling.Graphs;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Modeling.Packaging;

/// <summary>
/// A package being written: <see cref="Start"/> writes graphs and weights beside the output, the caller records the self-check with them and
/// hands it to <see cref="AddSelfCheck"/>, <see cref="Complete"/> puts the package in place. Disposed without that, it leaves nothing behind. Not thread-safe.
/// </summary>
public sealed class PackageBuild : IDisposable
{
    // Side of the map in which the authors sum the queries' masks, whatever the image size.
    private const int MaskDecodeSize = 384;
    private const float MaskThreshold = 0.5f;

    private readonly StagingDirectory _staging;
    private readonly string _output;
    private readonly PackageOptions _options;
    private readonly LoupeConfig _config;
    private readonly ITensorSource _source;
    private ModelManifest _manifest;

    private PackageBuild(StagingDirectory staging, string output, PackageOptions options, LoupeConfig config, ITensorSource source, ModelManifest manifest)
    {
        _staging = staging;
        _output = output;
        _options = options;
        _config = config;
        _source = source;
        _manifest = manifest;
    }

    /// <summary>
    /// The package as far as it is: graphs, weights and adapted tensors, to be run for the self-check. It has single precision even where the package
    /// will not: the self-check is recorded with it. Gone after <see cref="Complete"/> and disposal.
    /// </summary>
    public ModelPackage Staged => ModelPackage.OpenStaged(_staging.Path);

    /// <summary>What <see cref="AddQuantized"/> is decided with, where <see cref="PackageLayout.Int8"/> is wanted; else null. Gone as <see cref="Staged"/>.</summary>
    public QuantizationTrial? Trial { get; private init; }

    /// <summary>Checks every tensor, then writes everything but the self-check. Holds a few megabytes of the weights at a time.</summary>
    /// <param name="source">Read again by <see cref="AddQuantized"/>: it must outlive the build.</param>
    /// <param name="output">The directory that the package becomes; absent or empty unless <see cref="PackageOptions.Overwrite"/>.</param>
    /// <param name="progress">Called on the calling thread; null for nobody.</param>
    /// <exception cref="CheckpointException">
    /// Names every file that gives nothing, every tensor that is missing, has another shape or has no place, the tensors with values that are not finite,
    /// or one that holds a number too large for a precision; nothing is left behind.
    /// </exception>
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
        var graphs = BuildGraphs(config, source, options, cancellationToken);
        progress?.Invoke(new PackageProgress(PackagePhase.Checked, 0, 0) { Weights = source.UseFor(graphs[0].Tensors) });
        cancellationToken.ThrowIfCancellationRequested();
        StagingDirectory? staging = null;
        try
        {
            staging = new StagingDirectory(output, options.Overwrite);
            var manifest = WriteFiles(staging.Path, config, source, options, graphs, progress, cancellationToken);
            var trial = options.Precisions.Contains(PackageLayout.Int8) ? TrialGraphs.Write(staging.Path, config, source, options.Producer, cancellationToken) : null;
            long total = TotalBytes(graphs);
            progress?.Invoke(new PackageProgress(PackagePhase.Staged, total, total));
            return new PackageBuild(staging, output, options, config, source, manifest) { Trial = trial };
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

    /// <summary>Adds the self-check to what is staged.</summary>
    /// <param name="selfCheck">The fixed input and the outputs recorded for it, named as in <see cref="PackageTensors"/>.</param>
    /// <exception cref="PackageException">The output cannot be written.</exception>
    public void AddSelfCheck(IEnumerable<(string Name, IReadOnlyList<long> Shape, ReadOnlyMemory<float> Values)> selfCheck) => Write(() =>
    {
        _manifest = _manifest with { SelfCheck = WriteTensors(_staging.Path, PackageLayout.SelfCheck, selfCheck) };
        WriteManifest(_staging.Path, _manifest);
    });

    /// <summary>Writes the graphs of <see cref="PackageLayout.Int8"/>, once. Holds one matrix of the weights at a time.</summary>
    /// <exception cref="CheckpointException">The checkpoint cannot be read any more.</exception>
    /// <exception cref="PackageException">The output cannot be written.</exception>
    /// <exception cref="OperationCanceledException"/>
    public void AddQuantized(QuantizationSettings settings, CancellationToken cancellationToken)
    {
        var ranges = settings.Layers.Where(static layer => layer.Precision == PackageLayout.Int8).ToDictionary(static layer => layer.Name, static layer => layer.Range);
        var graphs = ModelGraphs.Build(_config, _source, PackageLayout.Int8, _options.Producer, quantized: ranges);
        Write(() => SetFiles(WriteFiles(_staging.Path, graphs, _source, static _ => { }, cancellationToken) with { Quantization = settings }));
    }

    /// <summary>Adds what the graphs of <see cref="PackageLayout.Int8"/> themselves were found to do.</summary>
    /// <param name="settings">Those of <see cref="AddQuantized"/>, with the figures of the finished graphs.</param>
    /// <param name="selfCheck">As of <see cref="AddSelfCheck"/>: the same input, and what 8 bits answer to it.</param>
    /// <exception cref="PackageException">The output cannot be written.</exception>
    public void AddQuantizedSelfCheck(
        QuantizationSettings settings, IEnumerable<(string Name, IReadOnlyList<long> Shape, ReadOnlyMemory<float> Values)> selfCheck) => Write(() => SetFiles(
            _manifest.Precisions[PackageLayout.Int8] with
            {
                Quantization = settings,
                SelfCheck = WriteTensors(_staging.Path, PackageLayout.SelfCheckOf(PackageLayout.Int8), selfCheck),
            }));

    /// <summary>Takes away what was written for the self-check and for trials alone and puts the package in place.</summary>
    /// <exception cref="PackageException">The output cannot be written, or was taken in the meantime.</exception>
    public ModelPackage Complete()
    {
        Write(() =>
        {
            TrialGraphs.Remove(_staging.Path);
            foreach (string precision in _manifest.Precisions.Keys.Except(_options.Precisions).ToList())
            {
                Directory.Delete(Path.Combine(_staging.Path, precision), recursive: true);
            }

            _manifest = _manifest with
            {
                Precisions = _manifest.Precisions.Where(entry => _options.Precisions.Contains(entry.Key)).ToDictionary(),
            };
            WriteManifest(_staging.Path, _manifest);
            _staging.Publish();
        });
        return ModelPackage.Open(_output);
    }

    public void Dispose() => _staging.Dispose();

    /// <summary>Single precision first, whether or not it is wanted: the self-check is recorded with it.</summary>
    private static List<ModelGraphs> BuildGraphs(LoupeConfig config, ITensorSource source, PackageOptions options, CancellationToken cancellationToken)
    {
        var single = ModelGraphs.Build(config, source, PackageLayout.Fp32, options.Producer);
        FiniteWeights.Validate(source, single.Tensors, cancellationToken);
        return
        [
            single,
            .. PackageLayout.Precisions
                .Where(precision => precision is not (PackageLayout.Fp32 or PackageLayout.Int8) && options.Precisions.Contains(precision))
                .Select(precision => ModelGraphs.Build(config, source, precision, options.Producer)),
        ];
    }

    private static ModelManifest WriteFiles(
        string directory,
        LoupeConfig config,
        ITensorSource source,
        PackageOptions options,
        List<ModelGraphs> graphs,
        Action<PackageProgress>? progress,
        CancellationToken cancellationToken)
    {
        var precisions = new Dictionary<string, PrecisionFiles>();
        long total = TotalBytes(graphs);
        long before = 0;
        foreach (var precision in graphs)
        {
            void Report(long written) => progress?.Invoke(new PackageProgress(PackagePhase.Weights, before + written, total));
            precisions.Add(precision.Precision, WriteFiles(directory, precision, source, Report, cancellationToken));
            before += precision.Weights.Length;
        }

        // The adapted tensors are the same in every precision.
        var adapted = graphs[0].Theta;
        var theta = WriteTensors(directory, PackageLayout.Theta, adapted.Select(static theta =>
            (theta.Tensor.Name, (IReadOnlyList<long>)[.. theta.Tensor.Shape], (ReadOnlyMemory<float>)theta.Values)));
        var manifest = Manifest(config, options, [.. adapted.Select(static theta => theta.Tensor)], precisions, theta);
        WriteManifest(directory, manifest);
        return manifest;
    }

    private static PrecisionFiles WriteFiles(
        string directory, ModelGraphs graphs, ITensorSource source, Action<long> written, CancellationToken cancellationToken) => new(
            Write(directory, PackageLayout.Encoder(graphs.Precision), stream => graphs.Encoder.WriteTo(stream)),
            Write(directory, PackageLayout.Segmentor(graphs.Precision), stream => graphs.Segmentor.WriteTo(stream)),
            Write(directory, PackageLayout.Adapt(graphs.Precision), stream => graphs.Adapt.WriteTo(stream)),
            Write(directory, PackageLayout.Weights(graphs.Precision), stream => graphs.Weights.Write(stream, source, written, cancellationToken)))
        {
            HalfTensors = graphs.HalfTensors,
            Processor = graphs.ProcessorSegmentor is { } segmentor
                ? new ProcessorFiles(ProcessorOperators.Version, Write(directory, PackageLayout.ProcessorSegmentor(graphs.Precision), stream => segmentor.WriteTo(stream)))
                : null,
        };

    private static long TotalBytes(List<ModelGraphs> graphs) => graphs.Sum(static precision => precision.Weights.Length);

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
            Tiles = options.Tiles,
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

    private void SetFiles(PrecisionFiles quantized)
    {
        _manifest = _manifest with { Precisions = new Dictionary<string, PrecisionFiles>(_manifest.Precisions) { [PackageLayout.Int8] = quantized } };
        WriteManifest(_staging.Path, _manifest);
    }

    private void Write(Action write)
    {
        try
        {
            write();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new PackageException($"The package cannot be written to {_output}: {exception.Message}", exception);
        }
    }

    private static void WriteManifest(string directory, ModelManifest manifest) =>
        File.WriteAllBytes(Path.Combine(directory, PackageLayout.Manifest), manifest.ToBytes());

    private static PackageFile Write(string directory, string path, Action<Stream> write)
    {
        using var file = new HashingFile(directory, path);
        write(file);
        return file.Finish();
    }
}
