using LoupeGrpc.Native;
using LoupeGrpc.Packaging;
using Microsoft.ML.OnnxRuntime;

namespace LoupeGrpc.Engine.Execution;

/// <summary>The one place where an execution provider is given to ONNX Runtime.</summary>
internal static class ProviderSessions
{
    /// <summary>Runs on this device when the options do not say another.</summary>
    private const string DeviceId = "device_id";

    /// <summary>
    /// What CUDA takes unless told otherwise: memory by what is asked for instead of doubling it, convolutions by rule instead of by trial.
    /// </summary>
    private static readonly Dictionary<string, string> CudaDefaults = new()
    {
        ["arena_extend_strategy"] = "kSameAsRequested",
        ["cudnn_conv_algo_search"] = "HEURISTIC",
    };

    private static readonly Lazy<string?> LazyOperatorsFault = new(static () => FaultOf(NativeOperators.Library));

    /// <summary>Options for sessions that run on <paramref name="target"/>; what it does not take, the CPU does. The caller disposes them.</summary>
    /// <param name="graphs"><see cref="GraphKind.Processor"/> only without an <see cref="OperatorsFault"/>.</param>
    /// <exception cref="ModelLoadException">The provider is not in this build, does not load, refuses its options, or has no such device.</exception>
    public static SessionOptions Create(ExecutionTarget target, int intraOpThreads, GraphKind graphs = GraphKind.Standard) =>
        Create(target, intraOpThreads, graphs, alone: false);

    /// <summary>Why this process has no <see cref="ProcessorOperators"/>, for people; null: it has them.</summary>
    public static string? OperatorsFault => LazyOperatorsFault.Value;

    /// <summary>The same for a session of one thread in which every node has to run on <paramref name="target"/>: otherwise it does not load.</summary>
    /// <exception cref="ModelLoadException">The provider is not in this build, does not load, refuses its options, or has no such device.</exception>
    public static SessionOptions CreateAlone(ExecutionTarget target) => Create(target, intraOpThreads: 1, GraphKind.Standard, alone: true);

    /// <param name="library">Full path.</param>
    internal static string? FaultOf(string library)
    {
        try
        {
            _ = OrtEnvironment.Instance;
            using var options = new SessionOptions();
            options.RegisterCustomOpLibrary(library);
            return null;
        }
        catch (OnnxRuntimeException exception)
        {
            return OrtMessage.Of(exception);
        }
    }

    private static SessionOptions Create(ExecutionTarget target, int intraOpThreads, GraphKind graphs, bool alone)
    {
        SessionOptions? options = null;
        try
        {
            _ = OrtEnvironment.Instance;
            options = new SessionOptions();
            options.IntraOpNumThreads = intraOpThreads;
            options.InterOpNumThreads = 1;
            options.ExecutionMode = ExecutionMode.ORT_SEQUENTIAL;
            options.GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_ALL;

            // What fails is thrown; the rest is chatter on standard error.
            options.LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR;

            // A camera server idles between frames: threads that spin would burn the cores that decode.
            options.AddSessionConfigEntry("session.intra_op.allow_spinning", "0");

            // A pattern is kept for each shape and each thread: on a device it grows without need.
            options.EnableMemoryPattern = !target.IsDevice;
            if (alone && target.IsDevice)
            {
                options.AddSessionConfigEntry("session.disable_cpu_ep_fallback", "1");
            }

            if (graphs == GraphKind.Processor)
            {
                options.RegisterCustomOpLibrary(NativeOperators.Library);
            }

            Append(options, target, alone);
            return options;
        }
        catch (Exception exception) when (exception is OnnxRuntimeException or EntryPointNotFoundException or DllNotFoundException or TypeInitializationException)
        {
            options?.Dispose();
            throw new ModelLoadException(Explain(target, exception), exception);
        }
        catch
        {
            options?.Dispose();
            throw;
        }
    }

    private static void Append(SessionOptions options, ExecutionTarget target, bool alone)
    {
        switch (target.Kind)
        {
            case ProviderKind.Cpu:
                break;
            case ProviderKind.Cuda:
                AppendCuda(options, target.DeviceIndex, target.Options);
                break;
            case ProviderKind.TensorRt:
                using (var tensorRt = new OrtTensorRTProviderOptions())
                {
                    tensorRt.UpdateOptions(With(target.DeviceIndex, target.Options));
                    options.AppendExecutionProvider_Tensorrt(tensorRt);
                }

                // For the nodes that TensorRT's parser does not take.
                if (!alone)
                {
                    AppendCuda(options, target.DeviceIndex, CudaDefaults);
                }

                break;
            case ProviderKind.Plugin:
                options.AppendExecutionProvider(OrtEnvironment.Instance, [PluginLibraries.Device(target)], target.Options);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(target), target.Kind, null);
        }
    }

    private static void AppendCuda(SessionOptions options, int device, IReadOnlyDictionary<string, string> own)
    {
        using var cuda = new OrtCUDAProviderOptions();
        var all = new Dictionary<string, string>(CudaDefaults);
        foreach (var (name, value) in own)
        {
            all[name] = value;
        }

        cuda.UpdateOptions(With(device, all));
        options.AppendExecutionProvider_CUDA(cuda);
    }

    private static Dictionary<string, string> With(int device, IReadOnlyDictionary<string, string> options)
    {
        var all = new Dictionary<string, string>(options);
        all.TryAdd(DeviceId, $"{device}");
        return all;
    }

    private static string Explain(ExecutionTarget target, Exception exception) => exception switch
    {
        // The package without providers exports neither the function nor the options' constructor.
        EntryPointNotFoundException => $"{target.Provider} is not in this build: it was made with the CPU-only package of ONNX Runtime.",
        DllNotFoundException or TypeInitializationException =>
            $"ONNX Runtime's native library cannot be loaded: {exception.GetBaseException().Message}",
        _ => $"ONNX Runtime cannot use {target.Provider}: {OrtMessage.Of(exception)}",
    };
}
