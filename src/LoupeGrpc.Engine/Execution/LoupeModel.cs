using LoupeGrpc.Packaging;
using Microsoft.ML.OnnxRuntime;

namespace LoupeGrpc.Engine.Execution;

/// <summary>The graphs of a package, loaded on one target. Runs happen in <see cref="RunSlot"/>s.</summary>
internal sealed class LoupeModel : IDisposable
{
    private readonly Lock _lock = new();

    // Shared by all runs, so that Terminate reaches every one.
    private readonly RunOptions _runOptions;
    private readonly PrecisionFiles _files;
    private bool _disposed;

    private LoupeModel(
        ModelManifest manifest,
        ExecutionTarget target,
        PrecisionFiles files,
        AdaptedParameters baseParameters,
        RunOptions runOptions,
        TensorMemory memory,
        GraphSession encoder,
        GraphSession segmentor,
        GraphSession adapt)
    {
        Manifest = manifest;
        Target = target;
        _files = files;
        BaseParameters = baseParameters;
        _runOptions = runOptions;
        Memory = memory;
        Encoder = encoder;
        Segmentor = segmentor;
        Adapt = adapt;
    }

    public ModelManifest Manifest { get; }

    public ExecutionTarget Target { get; }

    public AdaptedParameters BaseParameters { get; }

    /// <summary>Which graphs run.</summary>
    public GraphKind Graphs { get; private init; }

    /// <summary>Why the package's graphs for the CPU could not be taken, for people; null where they were, or it has none.</summary>
    public string? WithoutOperators { get; private init; }

    public GraphSession Encoder { get; }

    public GraphSession Segmentor { get; }

    public GraphSession Adapt { get; }

    /// <summary>Where the tensors of its runs lie.</summary>
    public TensorMemory Memory { get; }

    /// <summary>Element type of a graph input or output.</summary>
    public ElementType TypeOf(string tensor) => _files.TypeOf(tensor);

    /// <summary>Room for one frame's pixels, [1,3,S,S].</summary>
    /// <exception cref="OnnxRuntimeException">There is not enough memory.</exception>
    public TensorBuffer CreatePixels() => TensorBuffer.Allocate(Memory.AllocateHost, ElementType.Float32, new TensorShapes(Manifest, 1).PixelValues);

    /// <summary>Bytes of the weights that a package brings in one precision.</summary>
    /// <exception cref="ModelLoadException">It does not have the precision.</exception>
    public static long WeightBytes(ModelPackage package, ExecutionTarget target)
    {
        try
        {
            return new FileInfo(package.PathOf(package.FilesOf(target.Precision).Weights)).Length;
        }
        catch (Exception exception) when (exception is PackageException or IOException)
        {
            throw new ModelLoadException(exception.Message, exception);
        }
    }

    /// <param name="alsoSingle">
    /// Whether encoder and segmentor are loaded a second time, for runs on their caller's thread alone. Their weights are in memory twice then.
    /// </param>
    /// <param name="graphs">Which graphs the CPU runs where the package has both.</param>
    /// <exception cref="ModelLoadException">A graph does not load, or its inputs and outputs are not those of the manifest.</exception>
    public static LoupeModel Load(
        ModelPackage package, ExecutionTarget target, int intraOpThreads, bool alsoSingle = false, GraphKind graphs = GraphKind.Processor)
    {
        PrecisionFiles files;
        try
        {
            files = package.FilesOf(target.Precision);
        }
        catch (PackageException exception)
        {
            throw new ModelLoadException(exception.Message, exception);
        }

        bool hasOwn = graphs == GraphKind.Processor && !target.IsDevice && files.Processor?.Operators == ProcessorOperators.Version;
        string? withoutOperators = hasOwn ? ProviderSessions.OperatorsFault : null;
        var loaded = hasOwn && withoutOperators is null ? GraphKind.Processor : GraphKind.Standard;
        var parameters = AdaptedParameters.LoadBase(package);
        var opened = new List<IDisposable>();
        try
        {
            var (encoder, segmentor, adapt) = OpenGraphs(package, files, target, loaded, intraOpThreads, opened);
            var (singleEncoder, singleSegmentor) = alsoSingle ? OpenSingle(package, files, target, loaded, opened) : default;
            WeightMappings.Detach(package.PathOf(files.Weights));
            var memory = TensorMemory.Create(target, encoder);
            opened.Add(memory);

            // What fails is thrown, and logged by whoever knows what follows from it.
            var runOptions = new RunOptions { LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL };
            return new LoupeModel(
                package.Manifest,
                target,
                files,
                parameters,
                runOptions,
                memory,
                GraphSession.Start("encoder", encoder, singleEncoder, runOptions, target.IsDevice),
                GraphSession.Start("segmentor", segmentor, singleSegmentor, runOptions, target.IsDevice),
                GraphSession.Start("adapt", adapt, single: null, runOptions, target.IsDevice))
            {
                Graphs = loaded,
                WithoutOperators = withoutOperators,
            };
        }
        catch (Exception exception)
        {
            // The memory before the session that gave it.
            opened.Reverse();
            WeightMappings.Change(() => opened.ForEach(static part => part.Dispose()));
            if (exception is OnnxRuntimeException)
            {
                throw new ModelLoadException($"{target.Provider} cannot provide memory for tensors: {OrtMessage.Of(exception)}", exception);
            }

            throw;
        }
    }

    /// <summary>Tells of every run from now on.</summary>
    /// <param name="watch">Called with the name of each graph.</param>
    public void WatchRuns(Func<string, IRunWatch> watch)
    {
        foreach (var graph in new[] { Encoder, Segmentor, Adapt })
        {
            graph.Watch = watch(graph.Name);
        }
    }

    /// <summary>Chooses on how many threads each run works from now on, where there is a choice.</summary>
    public void ParallelizeRuns(IRunParallelism encoder, IRunParallelism segmentor) => (Encoder.Parallelism, Segmentor.Parallelism) = (encoder, segmentor);

    /// <summary>Ends runs in progress between two nodes, and every later one at once. For good.</summary>
    public void Terminate()
    {
        lock (_lock)
        {
            if (!_disposed)
            {
                _runOptions.Terminate = true;
            }
        }
    }

    /// <summary>After the last run, and after the slots.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
        }

        Memory.Dispose();
        WeightMappings.Change(() =>
        {
            Encoder.Dispose();
            Segmentor.Dispose();
            Adapt.Dispose();
        });
        _runOptions.Dispose();
    }

    /// <param name="opened">Gets each session as it is opened.</param>
    private static (InferenceSession Encoder, InferenceSession Segmentor, InferenceSession Adapt) OpenGraphs(
        ModelPackage package, PrecisionFiles files, ExecutionTarget target, GraphKind graphs, int intraOpThreads, List<IDisposable> opened)
    {
        using var options = ProviderSessions.Create(target, intraOpThreads, graphs);
        InferenceSession Load(PackageFile file, Action<InferenceSession, ModelPackage, PrecisionFiles> check)
        {
            var session = Open(package.PathOf(file), options, opened);
            check(session, package, files);
            return session;
        }

        return WeightMappings.Change(() => (
            Load(files.Encoder, GraphContract.CheckEncoder),
            Load(SegmentorOf(files, graphs), GraphContract.CheckSegmentor),
            Load(files.Adapt, GraphContract.CheckAdapt)));
    }

    private static PackageFile SegmentorOf(PrecisionFiles files, GraphKind graphs) => graphs == GraphKind.Processor ? files.Processor!.Segmentor : files.Segmentor;

    /// <summary>The graphs that every frame passes, for runs on one thread.</summary>
    private static (InferenceSession Encoder, InferenceSession Segmentor) OpenSingle(
        ModelPackage package, PrecisionFiles files, ExecutionTarget target, GraphKind graphs, List<IDisposable> opened)
    {
        using var options = ProviderSessions.Create(target, intraOpThreads: 1, graphs);
        return WeightMappings.Change(() => (
            Open(package.PathOf(files.Encoder), options, opened), Open(package.PathOf(SegmentorOf(files, graphs)), options, opened)));
    }

    private static InferenceSession Open(string path, SessionOptions options, List<IDisposable> opened)
    {
        try
        {
            var session = new InferenceSession(path, options);
            opened.Add(session);
            return session;
        }
        catch (OnnxRuntimeException exception)
        {
            throw new ModelLoadException($"ONNX Runtime cannot load {path}: {OrtMessage.Of(exception)}", exception);
        }
        catch (Exception exception) when (exception is DllNotFoundException or TypeInitializationException or EntryPointNotFoundException)
        {
            throw new ModelLoadException($"ONNX Runtime's native library cannot be loaded: {exception.GetBaseException().Message}", exception);
        }
    }
}
