using LoupeGrpc.Packaging;
using Microsoft.ML.OnnxRuntime;

namespace LoupeGrpc.Engine.Execution;

/// <summary>
/// What a run slot needs beyond its own buffers for a session that adapts: the hidden states and mask features that the segmentor leaves, read by
/// the adapt graph where they lie; the gradients; and a second set of mask logits for the dual verdict. Made when the slot first meets such a session.
/// </summary>
internal sealed class AdaptationRun : IDisposable
{
    private readonly LoupeModel _model;
    private readonly RunSlot _slot;
    private readonly TensorBuffer _hiddenStates;
    private readonly TensorBuffer _maskFeatures;
    private readonly TensorBuffer _patchProbabilities;
    private readonly TensorBuffer _loss;
    private readonly TensorBuffer _gradients;
    private readonly OrtIoBinding _segmentBinding;
    private readonly OrtIoBinding _baseBinding;
    private readonly OrtIoBinding _adaptBinding;

    public AdaptationRun(LoupeModel model, RunSlot slot)
    {
        _model = model;
        _slot = slot;
        var shapes = new TensorShapes(model.Manifest, slot.Batch);
        _hiddenStates = new TensorBuffer(model.TypeOf(PackageTensors.HiddenStates), shapes.HiddenStates);
        _maskFeatures = new TensorBuffer(model.TypeOf(PackageTensors.MaskFeatures), shapes.MaskFeatures);
        _patchProbabilities = new TensorBuffer(shapes.PatchLogits);
        _loss = new TensorBuffer(shapes.Loss);
        _gradients = new TensorBuffer(shapes.Gradients);
        BaseMaskLogits = new TensorBuffer(shapes.MaskLogits);
        BaseClassLogits = new TensorBuffer(shapes.ClassLogits);

        _segmentBinding = slot.BindSegmentor(slot.MaskLogits, slot.ClassLogits);
        _segmentBinding.BindOutput(PackageTensors.HiddenStates, _hiddenStates.Value);
        _segmentBinding.BindOutput(PackageTensors.MaskFeatures, _maskFeatures.Value);
        _baseBinding = slot.BindSegmentor(BaseMaskLogits, BaseClassLogits);

        _adaptBinding = model.Adapt.CreateIoBinding();
        _adaptBinding.BindInput(PackageTensors.HiddenStates, _hiddenStates.Value);
        _adaptBinding.BindInput(PackageTensors.MaskFeatures, _maskFeatures.Value);
        _adaptBinding.BindInput(PackageTensors.PatchProbabilities, _patchProbabilities.Value);
        _adaptBinding.BindInput(PackageTensors.PseudoLabel, slot.PseudoLabels.Value);
        slot.BindParameters(_adaptBinding);
        _adaptBinding.BindOutput(PackageTensors.Loss, _loss.Value);
        _adaptBinding.BindOutput(PackageTensors.Gradients, _gradients.Value);
    }

    /// <summary>Output of <see cref="SegmentBase"/>, [B,Q,4g,4g].</summary>
    public TensorBuffer BaseMaskLogits { get; }

    /// <summary>Output of <see cref="SegmentBase"/>, [B,Q,2].</summary>
    public TensorBuffer BaseClassLogits { get; }

    /// <summary>Output of <see cref="Differentiate"/>, [B].</summary>
    public float Loss => _loss.Values[0];

    /// <summary>Output of <see cref="Differentiate"/>, [B,P]; the reader may overwrite it.</summary>
    public Span<float> Gradients => _gradients.Values;

    /// <summary>As <see cref="RunSlot.Segment"/>, and leaves what <see cref="Differentiate"/> needs.</summary>
    /// <exception cref="OnnxRuntimeException">The run failed or was terminated.</exception>
    public void Segment() => _model.Segmentor.RunWithBinding(_model.RunOptions, _segmentBinding);

    /// <summary>Segments into <see cref="BaseMaskLogits"/> and <see cref="BaseClassLogits"/>; the slot's parameters must be the base ones.</summary>
    /// <exception cref="OnnxRuntimeException">The run failed or was terminated.</exception>
    public void SegmentBase() => _model.Segmentor.RunWithBinding(_model.RunOptions, _baseBinding);

    /// <summary>Loss and gradients at the slot's parameters, for what the last <see cref="Segment"/> left.</summary>
    /// <exception cref="OnnxRuntimeException">The run failed or was terminated.</exception>
    public void Differentiate()
    {
        var logits = _slot.PatchLogits.Values;
        var probabilities = _patchProbabilities.Values;
        for (int i = 0; i < logits.Length; i++)
        {
            probabilities[i] = Scores.OfLogit(logits[i]);
        }

        _model.Adapt.RunWithBinding(_model.RunOptions, _adaptBinding);
    }

    public void Dispose()
    {
        _segmentBinding.Dispose();
        _baseBinding.Dispose();
        _adaptBinding.Dispose();
        _hiddenStates.Dispose();
        _maskFeatures.Dispose();
        _patchProbabilities.Dispose();
        _loss.Dispose();
        _gradients.Dispose();
        BaseMaskLogits.Dispose();
        BaseClassLogits.Dispose();
    }
}
