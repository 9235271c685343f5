using LoupeGrpc.Packaging;
using Microsoft.ML.OnnxRuntime;

namespace LoupeGrpc.Engine.Execution;

/// <summary>The graphs of a package, loaded on the CPU. Runs happen in <see cref="RunSlot"/>s; several at once are safe.</summary>
internal sealed class LoupeModel : IDisposable
{
    private readonly Lock _lock = new();
    private readonly PrecisionFiles _files;
    private bool _disposed;

    private LoupeModel(
        ModelManifest manifest,
        string precision,
        AdaptedParameters baseParameters,
        InferenceSession encoder,
        InferenceSession segmentor,
        InferenceSession adapt)
    {
        Manifest = manifest;
        Precision = precision;
        _files = manifest.Precisions[precision];
        BaseParameters = baseParameters;
        Encoder = encoder;
        Segmentor = segmentor;
        Adapt = adapt;
    }

    public ModelManifest Manifest { get; }

    /// <summary>Folder of the package that is loaded.</summary>
    public string Precision { get; }

    public AdaptedParameters BaseParameters { get; }

    public InferenceSession Encoder { get; }

    public InferenceSession Segmentor { get; }

    public InferenceSession Adapt { get; }

    /// <summary>Shared by all runs, so that <see cref="Terminate"/> reaches every one.</summary>
    public RunOptions RunOptions { get; } = new();

    /// <summary>Element type of a graph input or output.</summary>
    public ElementType TypeOf(string tensor) => _files.TypeOf(tensor);

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
                target.Precision,
                parameters,
                Load(files.Encoder, GraphContract.CheckEncoder),
                Load(files.Segmentor, GraphContract.CheckSegmentor),
                Load(files.Adapt, GraphContract.CheckAdapt));
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
                RunOptions.Terminate = true;
            }
        }
    }

    /// <summary>After the last run.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
        }

        Encoder.Dispose();
        Segmentor.Dispose();
        Adapt.Dispose();
        RunOptions.Dispose();
    }

    private static InferenceSession Open(string path, SessionOptions options)
    {
        try
        {
            return new InferenceSession(path, options);
        }
        catch (OnnxRuntimeException exception)
        {
            throw new ModelLoadException($"ONNX Runtime cannot load {path}: {exception.Message}", exception);
        }
        catch (Exception exception) when (exception is DllNotFoundException or TypeInitializationException or EntryPointNotFoundException)
        {
            throw new ModelLoadException($"ONNX Runtime's native library cannot be loaded: {exception.GetBaseException().Message}", exception);
        }
    }
}
