using LoupeGrpc.Packaging;
using Microsoft.ML.OnnxRuntime;

namespace LoupeGrpc.Engine.Execution;

/// <summary>
/// What a run slot needs beyond its own buffers for sessions that adapt: the hidden states and mask features that the segmentor leaves, read by
/// the adapt graph where they lie; the gradients; and a second set of mask logits for the dual verdict. Row i is frame i, as in the slot.
/// </summary>
internal sealed class AdaptationRun : IDisposable
{
    private readonly LoupeModel _model;
    private readonly RunSlot _slot;
    private readonly TensorBuffers _buffers;
    private readonly TensorBuffer _hiddenStates;
    private readonly TensorBuffer _maskFeatures;
    private readonly TensorBuffer _patchProbabilities;
    private readonly TensorBuffer _loss;
    private readonly TensorBuffer _gradients;
    private readonly BindingCache<RowRange> _segment;
    private readonly BindingCache<RowRange> _segmentBase;
    private readonly BindingCache<int> _adapt;

    private AdaptationRun(LoupeModel model, RunSlot slot, TensorBuffers buffers, Tensors tensors)
    {
        _model = model;
        _slot = slot;
        _buffers = buffers;
        _hiddenStates = tensors.HiddenStates;
        _maskFeatures = tensors.MaskFeatures;
        _patchProbabilities = tensors.PatchProbabilities;
        _loss = tensors.Loss;
        _gradients = tensors.Gradients;
        BaseMaskLogits = tensors.BaseMaskLogits;
        BaseClassLogits = tensors.BaseClassLogits;
        _segment = new BindingCache<RowRange>(rows => slot.BindSegmentor(
            rows,
            slot.MaskLogits,
            slot.ClassLogits,
            [
                new GraphTensor(PackageTensors.HiddenStates, rows.Of(_hiddenStates)),
                new GraphTensor(PackageTensors.MaskFeatures, rows.Of(_maskFeatures)),
            ]));
        _segmentBase = new BindingCache<RowRange>(rows => slot.BindSegmentor(rows, BaseMaskLogits, BaseClassLogits, []));
        _adapt = new BindingCache<int>(BindAdapt);
    }

    /// <summary>Output of <see cref="SegmentBase"/>, [R,Q,4g,4g].</summary>
    public TensorBuffer BaseMaskLogits { get; }

    /// <summary>Output of <see cref="SegmentBase"/>, [R,Q,2].</summary>
    public TensorBuffer BaseClassLogits { get; }

    /// <param name="slot">Owns it.</param>
    /// <exception cref="OnnxRuntimeException">There is not enough memory.</exception>
    public static AdaptationRun Allocate(LoupeModel model, RunSlot slot)
    {
        var shapes = new TensorShapes(model.Manifest, slot.Rows);
        var buffers = new TensorBuffers(model.Memory);
        try
        {
            return new AdaptationRun(model, slot, buffers, new Tensors(
                HiddenStates: buffers.Device(model.TypeOf(PackageTensors.HiddenStates), shapes.HiddenStates),
                MaskFeatures: buffers.Device(model.TypeOf(PackageTensors.MaskFeatures), shapes.MaskFeatures),
                PatchProbabilities: buffers.Host(shapes.PatchLogits),
                Loss: buffers.Host(shapes.Loss),
                Gradients: buffers.Host(shapes.Gradients),
                BaseMaskLogits: buffers.Host(shapes.MaskLogits),
                BaseClassLogits: buffers.Host(shapes.ClassLogits)));
        }
        catch
        {
            buffers.Dispose();
            throw;
        }
    }

    /// <summary>Output of <see cref="Differentiate"/>.</summary>
    public float Loss(int row) => _loss.Values[row];

    /// <summary>Output of <see cref="Differentiate"/>, [P]; the reader may overwrite it.</summary>
    public Span<float> Gradients(int row) => _gradients.Row(row);

    /// <summary>As <see cref="RunSlot.Segment"/>, and leaves what <see cref="Differentiate"/> needs.</summary>
    /// <exception cref="OnnxRuntimeException">The run failed or was terminated.</exception>
    public void Segment(RowRange rows) => _model.Segmentor.Run(_segment.For(rows));

    /// <summary>Segments into <see cref="BaseMaskLogits"/> and <see cref="BaseClassLogits"/>; the rows' parameters must be the base ones.</summary>
    /// <exception cref="OnnxRuntimeException">The run failed or was terminated.</exception>
    public void SegmentBase(RowRange rows) => _model.Segmentor.Run(_segmentBase.For(rows));

    /// <summary>Loss and gradients of a row at its parameters, for what the last <see cref="Segment"/> left in it.</summary>
    /// <exception cref="OnnxRuntimeException">The run failed or was terminated.</exception>
    public void Differentiate(int row)
    {
        var logits = _slot.PatchLogits.Row(row);
        var probabilities = _patchProbabilities.Row(row);
        for (int i = 0; i < logits.Length; i++)
        {
            probabilities[i] = Scores.OfLogit(logits[i]);
        }

        _model.Adapt.Run(_adapt.For(row));
    }

    public void Dispose()
    {
        _segment.Dispose();
        _segmentBase.Dispose();
        _adapt.Dispose();
        _buffers.Dispose();
    }

    private GraphBinding BindAdapt(int row)
    {
        var rows = new RowRange(row, 1);
        return _model.Adapt.Bind(
            rows.Count,
            [
                new GraphTensor(PackageTensors.HiddenStates, rows.Of(_hiddenStates)),
                new GraphTensor(PackageTensors.MaskFeatures, rows.Of(_maskFeatures)),
                new GraphTensor(PackageTensors.PatchProbabilities, rows.Of(_patchProbabilities)),
                new GraphTensor(PackageTensors.PseudoLabel, rows.Of(_slot.PseudoLabels)),
                .. _slot.Parameters(rows),
            ],
            [
                new GraphTensor(PackageTensors.Loss, rows.Of(_loss)),
                new GraphTensor(PackageTensors.Gradients, rows.Of(_gradients)),
            ]);
    }

    private sealed record Tensors(
        TensorBuffer HiddenStates,
        TensorBuffer MaskFeatures,
        TensorBuffer PatchProbabilities,
        TensorBuffer Loss,
        TensorBuffer Gradients,
        TensorBuffer BaseMaskLogits,
        TensorBuffer BaseClassLogits);
}
