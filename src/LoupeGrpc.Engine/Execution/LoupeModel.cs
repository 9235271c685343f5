using LoupeGrpc.Packaging;
using Microsoft.ML.OnnxRuntime;

namespace LoupeGrpc.Engine.Execution;

/// <summary>The graphs of a package, loaded on one target. Runs happen in <see cref="RunSlot"/>s.</summary>
internal sealed class LoupeModel : IDisposable
{
    private readonly Lock _lock = new();

    // Shared by all runs, so that Terminate reaches every one.
    // What fails is thrown, and logged by whoever knows what follows from it.
    private readonly RunOptions _runOptions = new() { LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL };
    private readonly PrecisionFiles _files;
    private bool _disposed;

    private LoupeModel(
        ModelManifest manifest,
        ExecutionTarget target,
        AdaptedParameters baseParameters,
        InferenceSession encoder,
        InferenceSession segmentor,
        InferenceSession adapt)
    {
        Manifest = manifest;
        Target = target;
        _files = manifest.Precisions[target.Precision];
        BaseParameters = baseParameters;
        Memory = TensorMemory.Create(target, encoder);
        Encoder = new GraphSession("encoder", encoder, _runOptions, target.IsDevice);
        Segmentor = new GraphSession("segmentor", segmentor, _runOptions, target.IsDevice);
        Adapt = new GraphSession("adapt", adapt, _runOptions, target.IsDevice);
    }

    public ModelManifest Manifest { get; }

    public ExecutionTarget Target { get; }

    public AdaptedParameters BaseParameters { get; }

    public GraphSession Encoder { get; }

    public GraphSession Segmentor { get; }

    public GraphSession Adapt { get; }

    /// <summary>Where the tensors of its runs lie.</summary>
    public TensorMemory Memory { get; }

    /// <summary>Element type of a graph input or output.</summary>
    public ElementType TypeOf(string tensor) => _files.TypeOf(tensor);

    /// <summary>Room for one frame's pixels, [1,3,S,S].</summary>
    /// <exception cref="OnnxRuntimeException">There is not enough memory.</exception>
    public TensorBuffer CreatePixels() => new(Memory.AllocateHost, ElementType.Float32, new TensorShapes(Manifest, 1).PixelValues);

    /// <exception cref="ModelLoadException">A graph does not load, or its inputs and outputs are not those of the manifest.</exception>
    public static LoupeModel Load(ModelPackage package, ExecutionTarget target, int intraOpThreads)
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

        var parameters = AdaptedParameters.LoadBase(package);
        var opened = new List<InferenceSession>();
        try
        {
            using var options = ProviderSessions.Create(target, intraOpThreads);
            InferenceSession Load(PackageFile file, Action<InferenceSession, ModelPackage, PrecisionFiles> check)
            {
                var session = Open(package.PathOf(file), options);
                opened.Add(session);
                check(session, package, files);
                return session;
            }

            return new LoupeModel(
                package.Manifest,
                target,
                parameters,
                Load(files.Encoder, GraphContract.CheckEncoder),
                Load(files.Segmentor, GraphContract.CheckSegmentor),
                Load(files.Adapt, GraphContract.CheckAdapt));
        }
        catch (OnnxRuntimeException exception)
        {
            opened.ForEach(static session => session.Dispose());
            throw new ModelLoadException($"{target.Provider} does not give its memory: {OrtMessage.Of(exception)}", exception);
        }
        catch
        {
            opened.ForEach(static session => session.Dispose());
            throw;
        }
    }

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
        Encoder.Dispose();
        Segmentor.Dispose();
        Adapt.Dispose();
        _runOptions.Dispose();
    }

    private static InferenceSession Open(string path, SessionOptions options)
    {
        try
        {
            return new InferenceSession(path, options);
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
