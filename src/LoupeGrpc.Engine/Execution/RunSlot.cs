using LoupeGrpc.Packaging;
using Microsoft.ML.OnnxRuntime;

namespace LoupeGrpc.Engine.Execution;

/// <summary>
/// The memory of one batch on its way through both graphs, bound once: a run allocates nothing, and features go from the encoder
/// to the segmentor without a copy. The buffers belong to the run, so a caller that gives up leaves nothing dangling.
/// One user at a time.
/// </summary>
internal sealed class RunSlot : IDisposable
{
    private readonly LoupeModel _model;
    private readonly TensorBuffer _features;
    private readonly TensorBuffer[] _adapted;
    private readonly int[] _adaptedLengths;
    private readonly AdaptedParameters?[] _loaded;
    private readonly OrtIoBinding _encoderBinding;
    private readonly OrtIoBinding _segmentorBinding;
    private AdaptationRun? _adaptation;

    public RunSlot(LoupeModel model, int batch)
    {
        _model = model;
        Batch = batch;
        var shapes = new TensorShapes(model.Manifest, batch);
        PixelValues = new TensorBuffer(shapes.PixelValues);
        _features = new TensorBuffer(model.TypeOf(PackageTensors.Features), shapes.Features);
        ClsLogits = new TensorBuffer(shapes.ClsLogit);
        PatchLogits = new TensorBuffer(shapes.PatchLogits);
        PseudoLabels = new TensorBuffer(shapes.PseudoLabel);
        MaskLogits = new TensorBuffer(shapes.MaskLogits);
        ClassLogits = new TensorBuffer(shapes.ClassLogits);
        _adapted = [.. model.Manifest.AdaptedTensors.Select(tensor => new TensorBuffer(shapes.Adapted(tensor)))];
        _adaptedLengths = [.. model.Manifest.AdaptedTensors.Select(AdaptedParameters.LengthOf)];
        _loaded = new AdaptedParameters?[batch];

        _encoderBinding = model.Encoder.CreateIoBinding();
        _encoderBinding.BindInput(PackageTensors.PixelValues, PixelValues.Value);
        _encoderBinding.BindOutput(PackageTensors.Features, _features.Value);
        _encoderBinding.BindOutput(PackageTensors.ClsLogit, ClsLogits.Value);
        _encoderBinding.BindOutput(PackageTensors.PatchLogits, PatchLogits.Value);

        // Hidden states and mask features are left unbound: only sessions that adapt read them, and what is not asked for is not copied out.
        _segmentorBinding = BindSegmentor(MaskLogits, ClassLogits);
    }

    /// <summary>Pictures in a run: the leading dimension of every buffer.</summary>
    public int Batch { get; }

    /// <summary>Input of <see cref="Encode"/>, [B,3,S,S].</summary>
    public TensorBuffer PixelValues { get; }

    /// <summary>Output of <see cref="Encode"/>, [B,1].</summary>
    public TensorBuffer ClsLogits { get; }

    /// <summary>Output of <see cref="Encode"/>, [B,N].</summary>
    public TensorBuffer PatchLogits { get; }

    /// <summary>Input of <see cref="Segment"/>, [B].</summary>
    public TensorBuffer PseudoLabels { get; }

    /// <summary>Output of <see cref="Segment"/>, [B,Q,4g,4g].</summary>
    public TensorBuffer MaskLogits { get; }

    /// <summary>Output of <see cref="Segment"/>, [B,Q,2].</summary>
    public TensorBuffer ClassLogits { get; }

    /// <summary>What sessions that adapt need beside this; made at the first use.</summary>
    public AdaptationRun Adaptation => _adaptation ??= new AdaptationRun(_model, this);

    /// <summary>From <see cref="PixelValues"/> to logits; the features stay in the slot for <see cref="Segment"/>.</summary>
    /// <exception cref="OnnxRuntimeException">The run failed or was terminated.</exception>
    public void Encode() => _model.Encoder.RunWithBinding(_model.RunOptions, _encoderBinding);

    /// <summary>From the features of the last <see cref="Encode"/> and <see cref="PseudoLabels"/> to mask and class logits.</summary>
    /// <exception cref="OnnxRuntimeException">The run failed or was terminated.</exception>
    public void Segment() => _model.Segmentor.RunWithBinding(_model.RunOptions, _segmentorBinding);

    /// <summary>Sets the adapted tensors of one picture of the batch for <see cref="Segment"/>. Copies only what is not there yet.</summary>
    public void SetParameters(int index, AdaptedParameters parameters)
    {
        if (!ReferenceEquals(_loaded[index], parameters))
        {
            SetParameters(index, parameters.Values);
            _loaded[index] = parameters;
        }
    }

    /// <summary>As the other, for values that change: they are copied each time.</summary>
    public void SetParameters(int index, ReadOnlySpan<float> values)
    {
        for (int i = 0; i < _adapted.Length; i++)
        {
            int length = _adaptedLengths[i];
            values[..length].CopyTo(_adapted[i].Values.Slice(index * length, length));
            values = values[length..];
        }

        _loaded[index] = null;
    }

    /// <summary>A binding of the segmentor's inputs to this slot and of its logits to the buffers given. The caller's to dispose.</summary>
    public OrtIoBinding BindSegmentor(TensorBuffer maskLogits, TensorBuffer classLogits)
    {
        var binding = _model.Segmentor.CreateIoBinding();
        binding.BindInput(PackageTensors.Features, _features.Value);
        binding.BindInput(PackageTensors.PseudoLabel, PseudoLabels.Value);
        BindParameters(binding);
        binding.BindOutput(PackageTensors.MaskLogits, maskLogits.Value);
        binding.BindOutput(PackageTensors.ClassLogits, classLogits.Value);
        return binding;
    }

    /// <summary>Binds the adapted tensors as inputs.</summary>
    public void BindParameters(OrtIoBinding binding)
    {
        for (int i = 0; i < _adapted.Length; i++)
        {
            binding.BindInput(_model.Manifest.AdaptedTensors[i].Name, _adapted[i].Value);
        }
    }

    public void Dispose()
    {
        _adaptation?.Dispose();
        _encoderBinding.Dispose();
        _segmentorBinding.Dispose();
        foreach (var buffer in _adapted)
        {
            buffer.Dispose();
        }

        PixelValues.Dispose();
        _features.Dispose();
        ClsLogits.Dispose();
        PatchLogits.Dispose();
        PseudoLabels.Dispose();
        MaskLogits.Dispose();
        ClassLogits.Dispose();
    }
}
