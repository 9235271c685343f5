using Microsoft.ML.OnnxRuntime;

namespace LoupeGrpc.Engine.Execution;

/// <summary>
/// One graph of a package as a session of ONNX Runtime. On a device its runs come from one thread, one after the other; on the CPU several at once are safe
/// and run where they are called.
/// </summary>
internal sealed class GraphSession : IDisposable
{
    private readonly InferenceSession _session;
    private readonly RunOptions _runOptions;
    private readonly RunThread? _thread;

    private GraphSession(string name, InferenceSession session, RunOptions runOptions, RunThread? thread)
    {
        Name = name;
        _session = session;
        _runOptions = runOptions;
        _thread = thread;
    }

    /// <summary>For people.</summary>
    public string Name { get; }

    /// <summary>Is told of every run; null: nobody is.</summary>
    public IRunWatch? Watch { get; set; }

    /// <param name="session">Is taken over.</param>
    /// <param name="runOptions">The caller's, for every run.</param>
    public static GraphSession Start(string name, InferenceSession session, RunOptions runOptions, bool isOnDevice) =>
        new(name, session, runOptions, isOnDevice ? RunThread.Start($"loupe-run-{name}") : null);

    /// <summary>Names the tensors of a run that is made over and over. The caller disposes it; the tensors stay the caller's.</summary>
    /// <param name="rows">Frames that the run has room for.</param>
    public GraphBinding Bind(int rows, IReadOnlyList<GraphTensor> inputs, IReadOnlyList<GraphTensor> outputs) =>
        _thread is null ? IoBoundRun.Bind(_session, rows, inputs, outputs) : new FedRun(_session, rows, inputs, outputs);

    /// <exception cref="OnnxRuntimeException">The run failed or was terminated.</exception>
    public void Run(GraphBinding binding)
    {
        if (_thread is null)
        {
            RunHere(binding);
        }
        else
        {
            RunOn(_thread, binding);
        }
    }

    /// <summary>After the last run.</summary>
    public void Dispose()
    {
        _thread?.Dispose();
        _session.Dispose();
    }

    // By itself: what the lambda captures would be allocated on the CPU too.
    private void RunOn(RunThread thread, GraphBinding binding) => thread.Invoke(() => RunHere(binding));

    private void RunHere(GraphBinding binding)
    {
        using var watched = Watch?.Begin(binding.Rows);
        binding.Run(_runOptions);
    }
}

/// <summary>An input or output of a graph and the memory it is read from or written to.</summary>
internal readonly record struct GraphTensor(string Name, OrtValue Value);

/// <summary>Inputs and outputs of one run.</summary>
internal abstract class GraphBinding(int rows) : IDisposable
{
    /// <summary>Frames that the run has room for.</summary>
    public int Rows => rows;

    /// <exception cref="OnnxRuntimeException">The run failed or was terminated.</exception>
    public abstract void Run(RunOptions options);

    public abstract void Dispose();

    private protected static string[] Names(IReadOnlyList<GraphTensor> tensors) => [.. tensors.Select(static tensor => tensor.Name)];

    private protected static OrtValue[] Values(IReadOnlyList<GraphTensor> tensors) => [.. tensors.Select(static tensor => tensor.Value)];
}

/// <summary>For the CPU: bound once, a run allocates nothing.</summary>
internal sealed class IoBoundRun : GraphBinding
{
    private readonly InferenceSession _session;
    private readonly OrtIoBinding _binding;

    private IoBoundRun(InferenceSession session, OrtIoBinding binding, int rows)
        : base(rows) => (_session, _binding) = (session, binding);

    public static IoBoundRun Bind(InferenceSession session, int rows, IReadOnlyList<GraphTensor> inputs, IReadOnlyList<GraphTensor> outputs)
    {
        var binding = session.CreateIoBinding();
        foreach (var (name, value) in inputs)
        {
            binding.BindInput(name, value);
        }

        foreach (var (name, value) in outputs)
        {
            binding.BindOutput(name, value);
        }

        return new IoBoundRun(session, binding, rows);
    }

    public override void Run(RunOptions options) => _session.RunWithBinding(options, _binding);

    public override void Dispose() => _binding.Dispose();
}

/// <summary>
/// For devices: inputs are handed over at each run, because binding them copies them to the device then and there, and never again. What lies on the
/// device already is read where it is, and outputs are written to where their memory is.
/// </summary>
internal sealed class FedRun(InferenceSession session, int rows, IReadOnlyList<GraphTensor> inputs, IReadOnlyList<GraphTensor> outputs) : GraphBinding(rows)
{
    private readonly string[] _inputNames = Names(inputs);
    private readonly OrtValue[] _inputs = Values(inputs);
    private readonly string[] _outputNames = Names(outputs);
    private readonly OrtValue[] _outputs = Values(outputs);

    public override void Run(RunOptions options) => session.Run(options, _inputNames, _inputs, _outputNames, _outputs);

    public override void Dispose()
    {
    }
}
