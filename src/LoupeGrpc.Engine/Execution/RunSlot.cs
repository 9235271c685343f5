using LoupeGrpc.Packaging;
using Microsoft.ML.OnnxRuntime;

namespace LoupeGrpc.Engine.Execution;

/// <summary>
/// The memory of one batch on its way through the graphs. Row i of every tensor is frame i of the batch; a run works on some rows beside each other,
/// and features go from the encoder to the segmentor where they lie. The buffers belong to the run, so a caller that gives up leaves nothing dangling.
/// Runs of different rows may overlap in time; what else happens to a row is one user's at a time.
/// </summary>
internal sealed class RunSlot : IDisposable
{
    private readonly LoupeModel _model;
    private readonly TensorBuffers _buffers;
    private readonly TensorBuffer? _pixels;
    private readonly TensorBuffer _features;
    private readonly TensorBuffer[] _adapted;
    private readonly AdaptedParameters?[] _loaded;
    private readonly BindingCache<TensorBuffer> _single;
    private readonly BindingCache<int> _encode;
    private readonly BindingCache<RowRange> _segment;
    private readonly Lazy<AdaptationRun> _adaptation;

    private RunSlot(LoupeModel model, int rows, TensorBuffers buffers, Tensors tensors)
    {
        _model = model;
        Rows = rows;
        _buffers = buffers;
        _pixels = tensors.Pixels;
        _features = tensors.Features;
        ClsLogits = tensors.ClsLogits;
        PatchLogits = tensors.PatchLogits;
        PseudoLabels = tensors.PseudoLabels;
        MaskLogits = tensors.MaskLogits;
        ClassLogits = tensors.ClassLogits;
        _adapted = tensors.Adapted;
        _loaded = new AdaptedParameters?[rows];
        _single = new BindingCache<TensorBuffer>(pixels => BindEncoder(pixels.Value, 1));
        _encode = new BindingCache<int>(count => BindEncoder(_pixels!.Slice(0, count), count));

        // Hidden states and mask features are left unbound: only sessions that adapt read them, and what is not asked for is not copied out.
        _segment = new BindingCache<RowRange>(range => BindSegmentor(range, MaskLogits, ClassLogits, []));
        // A slot is one worker's at a time. Memory that was short once is not short for ever: the failure is not kept.
        _adaptation = new Lazy<AdaptationRun>(() => AdaptationRun.Allocate(model, this), LazyThreadSafetyMode.PublicationOnly);
    }

    /// <summary>Frames that fit.</summary>
    public int Rows { get; }

    /// <summary>Output of an encoder's run, [R,1].</summary>
    public TensorBuffer ClsLogits { get; }

    /// <summary>Output of an encoder's run, [R,N].</summary>
    public TensorBuffer PatchLogits { get; }

    /// <summary>Input of <see cref="Segment"/>, [R].</summary>
    public TensorBuffer PseudoLabels { get; }

    /// <summary>Output of <see cref="Segment"/>, [R,Q,4g,4g].</summary>
    public TensorBuffer MaskLogits { get; }

    /// <summary>Output of <see cref="Segment"/>, [R,Q,2].</summary>
    public TensorBuffer ClassLogits { get; }

    /// <summary>What sessions that adapt need beside this; made at the first use.</summary>
    /// <exception cref="OnnxRuntimeException">There is not enough memory.</exception>
    public AdaptationRun Adaptation => _adaptation.Value;

    /// <exception cref="OnnxRuntimeException">There is not enough memory.</exception>
    public static RunSlot Allocate(LoupeModel model, int rows)
    {
        var shapes = new TensorShapes(model.Manifest, rows);
        var buffers = new TensorBuffers(model.Memory);
        try
        {
            var tensors = new Tensors(
                Pixels: rows == 1 ? null : buffers.Host(shapes.PixelValues),
                Features: buffers.Device(model.TypeOf(PackageTensors.Features), shapes.Features),
                ClsLogits: buffers.Host(shapes.ClsLogit),
                PatchLogits: buffers.Host(shapes.PatchLogits),
                PseudoLabels: buffers.Host(shapes.PseudoLabel),
                MaskLogits: buffers.Host(shapes.MaskLogits),
                ClassLogits: buffers.Host(shapes.ClassLogits),
                Adapted: [.. model.Manifest.AdaptedTensors.Select(tensor => buffers.Host(shapes.Adapted(tensor)))]);
            var slot = new RunSlot(model, rows, buffers, tensors);
            for (int row = 0; row < rows; row++)
            {
                // A row that no frame uses is computed too where it lies between two that are used.
                slot.SetParameters(row, model.BaseParameters);
            }

            return slot;
        }
        catch
        {
            buffers.Dispose();
            throw;
        }
    }

    /// <summary>Puts a frame into a row for <see cref="Encode(int)"/>.</summary>
    /// <param name="pixels">[1,3,S,S].</param>
    public void Load(int row, TensorBuffer pixels) => pixels.Values.CopyTo(_pixels!.Row(row));

    /// <summary>From the first rows that were loaded to logits; the features stay in the slot for <see cref="Segment"/>.</summary>
    /// <param name="count">Rows of the run. Those that were not loaded hold what an earlier frame left: harmless numbers.</param>
    /// <exception cref="OnnxRuntimeException">The run failed or was terminated.</exception>
    public void Encode(int count) => _model.Encoder.Run(_encode.For(count));

    /// <summary>As the other for one frame, which becomes row 0, read where its pixels lie.</summary>
    /// <param name="pixels">[1,3,S,S]; must outlive the slot.</param>
    /// <exception cref="OnnxRuntimeException">The run failed or was terminated.</exception>
    public void Encode(TensorBuffer pixels) => _model.Encoder.Run(_single.For(pixels));

    /// <summary>From the features of these rows and their <see cref="PseudoLabels"/> to mask and class logits.</summary>
    /// <exception cref="OnnxRuntimeException">The run failed or was terminated.</exception>
    public void Segment(RowRange rows) => _model.Segmentor.Run(_segment.For(rows));

    /// <summary>Sets the adapted tensors of one row. Copies only what is not there yet.</summary>
    public void SetParameters(int row, AdaptedParameters parameters)
    {
        if (!ReferenceEquals(_loaded[row], parameters))
        {
            SetParameters(row, parameters.Values);
            _loaded[row] = parameters;
        }
    }

    /// <summary>As the other, for values that change: they are copied each time.</summary>
    public void SetParameters(int row, ReadOnlySpan<float> values)
    {
        foreach (var tensor in _adapted)
        {
            var destination = tensor.Row(row);
            values[..destination.Length].CopyTo(destination);
            values = values[destination.Length..];
        }

        _loaded[row] = null;
    }

    /// <summary>A run of the segmentor on these rows, with its logits into the buffers given. The caller's to dispose.</summary>
    public GraphBinding BindSegmentor(RowRange rows, TensorBuffer maskLogits, TensorBuffer classLogits, IReadOnlyList<GraphTensor> furtherOutputs) =>
        _model.Segmentor.Bind(
            rows.Count,
            [
                new GraphTensor(PackageTensors.Features, rows.Of(_features)),
                new GraphTensor(PackageTensors.PseudoLabel, rows.Of(PseudoLabels)),
                .. Parameters(rows),
            ],
            [
                new GraphTensor(PackageTensors.MaskLogits, rows.Of(maskLogits)),
                new GraphTensor(PackageTensors.ClassLogits, rows.Of(classLogits)),
                .. furtherOutputs,
            ]);

    /// <summary>The adapted tensors of these rows.</summary>
    public IEnumerable<GraphTensor> Parameters(RowRange rows) =>
        _adapted.Select((tensor, index) => new GraphTensor(_model.Manifest.AdaptedTensors[index].Name, rows.Of(tensor)));

    public void Dispose()
    {
        if (_adaptation.IsValueCreated)
        {
            _adaptation.Value.Dispose();
        }

        _single.Dispose();
        _encode.Dispose();
        _segment.Dispose();
        _buffers.Dispose();
    }

    private GraphBinding BindEncoder(OrtValue pixels, int count)
    {
        var rows = new RowRange(0, count);
        return _model.Encoder.Bind(
            count,
            [new GraphTensor(PackageTensors.PixelValues, pixels)],
            [
                new GraphTensor(PackageTensors.Features, rows.Of(_features)),
                new GraphTensor(PackageTensors.ClsLogit, rows.Of(ClsLogits)),
                new GraphTensor(PackageTensors.PatchLogits, rows.Of(PatchLogits)),
            ]);
    }

    /// <param name="Pixels">Null: there is one row, whose pixels are read where they lie.</param>
    private sealed record Tensors(
        TensorBuffer? Pixels,
        TensorBuffer Features,
        TensorBuffer ClsLogits,
        TensorBuffer PatchLogits,
        TensorBuffer PseudoLabels,
        TensorBuffer MaskLogits,
        TensorBuffer ClassLogits,
        TensorBuffer[] Adapted);
}

/// <summary>Rows of a slot beside each other.</summary>
internal readonly record struct RowRange(int First, int Count)
{
    public int End => First + Count;

    public OrtValue Of(TensorBuffer buffer) => buffer.Slice(First, Count);
}
