using Microsoft.ML.OnnxRuntime;

namespace LoupeGrpc.Engine.Execution;

/// <summary>
/// One graph of a package as a session of ONNX Runtime. On a device its runs come from one thread, one after the other; on the CPU several at once are safe
/// and run where they are called, each on all threads or, where there is a second session for it, on its caller's alone.
/// </summary>
internal sealed class GraphSession : IDisposable
{
    private readonly InferenceSession _session;
    private readonly InferenceSession? _single;
    private readonly RunOptions _runOptions;
    private readonly RunThread? _thread;

    private GraphSession(string name, InferenceSession session, InferenceSession? single, RunOptions runOptions, RunThread? thread)
    {
        Name = name;
        _session = session;
        _single = single;
        _runOptions = runOptions;
        _thread = thread;
    }

    /// <summary>For people.</summary>
    public string Name { get; }

    /// <summary>Is told of every run; null: nobody is.</summary>
    public IRunWatch? Watch { get; set; }

    /// <summary>Chooses between the two sessions, where there are two; null: every run is on all threads.</summary>
    public IRunParallelism? Parallelism { get; set; }

    /// <param name="session">Is taken over.</param>
    /// <param name="single">The same graph for runs on one thread; taken over too. Null: there is none.</param>
    /// <param name="runOptions">The caller's, for every run.</param>
    public static GraphSession Start(string name, InferenceSession session, InferenceSession? single, RunOptions runOptions, bool isOnDevice) =>
        new(name, session, single, runOptions, isOnDevice ? RunThread.Start($"loupe-run-{name}") : null);

    /// <summary>Names the tensors of a run that is made over and over. The caller disposes it; the tensors stay the caller's.</summary>
    /// <param name="rows">Frames that the run has room for.</param>
    public GraphBinding Bind(int rows, IReadOnlyList<GraphTensor> inputs, IReadOnlyList<GraphTensor> outputs) =>
        _thread is null ? IoBoundRun.Bind(_session, _single, rows, inputs, outputs) : new FedRun(_session, rows, inputs, outputs);

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
        _single?.Dispose();
    }

    // By itself: what the lambda captures would be allocated on the CPU too.
    private void RunOn(RunThread thread, GraphBinding binding) => thread.Invoke(() => RunHere(binding));

    private void RunHere(GraphBinding binding)
    {
        using var watched = Watch?.Begin(binding.Rows);
        binding.Run(_runOptions, onOneThread: _single is not null && Parallelism?.IsSingle == true);
    }
}

/// <summary>An input or output of a graph and the memory it is read from or written to.</summary>
internal readonly record struct GraphTensor(string Name, OrtValue Value);

/// <summary>Inputs and outputs of one run.</summary>
internal abstract class GraphBinding(int rows) : IDisposable
{
    /// <summary>Frames that the run has room for.</summary>
    public int Rows => rows;

    /// <param name="onOneThread">Only where the graph has a session for that.</param>
    /// <exception cref="OnnxRuntimeException">The run failed or was terminated.</exception>
    public abstract void Run(RunOptions options, bool onOneThread);

    public abstract void Dispose();

    private protected static string[] Names(IReadOnlyList<GraphTensor> tensors) => [.. tensors.Select(static tensor => tensor.Name)];

    private protected static OrtValue[] Values(IReadOnlyList<GraphTensor> tensors) => [.. tensors.Select(static tensor => tensor.Value)];
}

/// <summary>For the CPU: bound once, a run allocates nothing.</summary>
internal sealed class IoBoundRun : GraphBinding
{
    private readonly (InferenceSession Session, OrtIoBinding Binding) _all;
    private readonly (InferenceSession Session, OrtIoBinding Binding)? _single;

    private IoBoundRun((InferenceSession Session, OrtIoBinding Binding) all, (InferenceSession Session, OrtIoBinding Binding)? single, int rows)
        : base(rows) => (_all, _single) = (all, single);

    /// <param name="single">For runs on one thread; null: there is none.</param>
    public static IoBoundRun Bind(
        InferenceSession session, InferenceSession? single, int rows, IReadOnlyList<GraphTensor> inputs, IReadOnlyList<GraphTensor> outputs) =>
        new((session, Bind(session, inputs, outputs)), single is null ? null : (single, Bind(single, inputs, outputs)), rows);

    public override void Run(RunOptions options, bool onOneThread)
    {
        var (session, binding) = onOneThread ? _single!.Value : _all;
        session.RunWithBinding(options, binding);
    }

    public override void Dispose()
    {
        _all.Binding.Dispose();
        _single?.Binding.Dispose();
    }

    private static OrtIoBinding Bind(InferenceSession session, IReadOnlyList<GraphTensor> inputs, IReadOnlyList<GraphTensor> outputs)
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

        return binding;
    }
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

    public override void Run(RunOptions options, bool onOneThread) => session.Run(options, _inputNames, _inputs, _outputNames, _outputs);

    public override void Dispose()
    {
    }
}
