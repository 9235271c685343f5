using LoupeGrpc.Engine.Execution;
using LoupeGrpc.Packaging;
using Microsoft.ML.OnnxRuntime;

namespace LoupeGrpc.Engine.Quantization;

/// <summary>The graphs of a <see cref="QuantizationTrial"/>, run on the CPU a picture at a time. Not thread-safe.</summary>
internal sealed class TrialModel : IDisposable
{
    private readonly ModelManifest _manifest;
    private readonly QuantizationTrial _trial;
    private readonly RunOptions _runOptions = new() { LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL };
    private readonly InferenceSession _encoder;
    private readonly InferenceSession _segmentor;
    private readonly Dictionary<string, OrtValue> _parameters = [];

    private TrialModel(ModelManifest manifest, QuantizationTrial trial, InferenceSession encoder, InferenceSession segmentor) =>
        (_manifest, _trial, _encoder, _segmentor) = (manifest, trial, encoder, segmentor);

    /// <summary>Layers of both graphs, the encoder's first.</summary>
    public IReadOnlyList<string> Layers => [.. _trial.EncoderLayers, .. _trial.SegmentorLayers];

    public int EncoderLayers => _trial.EncoderLayers.Count;

    /// <exception cref="ModelLoadException">A graph does not load.</exception>
    public static TrialModel Load(ModelPackage package, QuantizationTrial trial)
    {
        InferenceSession? encoder = null;
        TrialModel? model = null;
        try
        {
            using var options = ProviderSessions.Create(ExecutionTarget.Cpu, Environment.ProcessorCount);
            encoder = new InferenceSession(trial.Encoder, options);
            model = new TrialModel(package.Manifest, trial, encoder, new InferenceSession(trial.Segmentor, options));
            var values = AdaptedParameters.LoadBase(package).Values;
            foreach (var tensor in package.Manifest.AdaptedTensors)
            {
                int length = AdaptedParameters.LengthOf(tensor);
                model._parameters.Add(tensor.Name, Tensor(values[..length].ToArray(), new TensorShapes(package.Manifest, 1).Adapted(tensor)));
                values = values[length..];
            }

            return model;
        }
        catch (Exception exception)
        {
            model?.Dispose();
            encoder?.Dispose();
            if (exception is OnnxRuntimeException)
            {
                throw new ModelLoadException($"ONNX Runtime cannot load the graphs that ranges are measured with: {OrtMessage.Of(exception)}", exception);
            }

            throw;
        }
    }

    /// <param name="pixels">[1,3,S,S].</param>
    /// <param name="form">Of all layers.</param>
    public EncoderTrial Encode(float[] pixels, TrialForm form)
    {
        var shapes = new TensorShapes(_manifest, 1);
        var outputs = Run(
            _encoder,
            form.Slice(0, EncoderLayers),
            [(PackageTensors.PixelValues, Tensor(pixels, shapes.PixelValues))],
            [PackageTensors.Features, PackageTensors.ClsLogit, TrialTensors.Low, TrialTensors.High]);
        return new EncoderTrial(outputs[0], Scores.OfLogit(outputs[1][0]), new LayerExtremes(outputs[2], outputs[3]));
    }

    /// <param name="form">Of all layers.</param>
    public SegmentorTrial Segment(EncoderTrial encoded, TrialForm form)
    {
        var shapes = new TensorShapes(_manifest, 1);
        var outputs = Run(
            _segmentor,
            form.Slice(EncoderLayers, _trial.SegmentorLayers.Count),
            [(PackageTensors.Features, Tensor(encoded.Features, shapes.Features)), (PackageTensors.PseudoLabel, Tensor([encoded.Score], shapes.PseudoLabel))],
            [PackageTensors.MaskLogits, PackageTensors.ClassLogits, TrialTensors.Low, TrialTensors.High]);
        return new SegmentorTrial(outputs[0], outputs[1], new LayerExtremes(outputs[2], outputs[3]));
    }

    public void Dispose()
    {
        foreach (var value in _parameters.Values)
        {
            value.Dispose();
        }

        _encoder.Dispose();
        _segmentor.Dispose();
        _runOptions.Dispose();
    }

    private static OrtValue Tensor<T>(T[] values, long[] shape)
        where T : unmanaged => OrtValue.CreateTensorValueFromMemory(values, shape);

    private float[][] Run(InferenceSession session, TrialForm form, (string Name, OrtValue Value)[] inputs, string[] outputs)
    {
        long[] layers = [form.Quantized.Length];
        (string Name, OrtValue Value)[] own =
        [
            .. inputs,
            (TrialTensors.Quantized, Tensor(form.Quantized, layers)),
            (TrialTensors.Scale, Tensor(form.Scales, layers)),
            (TrialTensors.ZeroPoint, Tensor(form.ZeroPoints, layers)),
        ];
        try
        {
            var all = session == _segmentor ? [.. own, .. _parameters.Select(static parameter => (parameter.Key, parameter.Value))] : own;
            using var results = session.Run(_runOptions, [.. all.Select(static input => input.Name)], [.. all.Select(static input => input.Value)], outputs);
            return [.. results.Select(static result => result.GetTensorDataAsSpan<float>().ToArray())];
        }
        catch (OnnxRuntimeException exception)
        {
            throw new ModelLoadException($"The graphs that ranges are measured with do not run: {OrtMessage.Of(exception)}", exception);
        }
        finally
        {
            foreach (var (_, value) in own)
            {
                value.Dispose();
            }
        }
    }
}

/// <summary>Which layers are in 8 bits in a run, and by what ranges.</summary>
internal sealed record TrialForm(bool[] Quantized, float[] Scales, byte[] ZeroPoints)
{
    /// <summary>All in single precision.</summary>
    public static TrialForm None(int layers) => Of(new bool[layers], [.. Enumerable.Repeat(new ActivationRange(-1, 1), layers)]);

    public static TrialForm Of(bool[] quantized, IReadOnlyList<ActivationRange> ranges) =>
        new(quantized, [.. ranges.Select(static range => range.Scale)], [.. ranges.Select(static range => range.ZeroPoint)]);

    public TrialForm Slice(int first, int count) => new(
        Quantized.AsSpan(first, count).ToArray(), Scales.AsSpan(first, count).ToArray(), ZeroPoints.AsSpan(first, count).ToArray());
}

/// <summary>The smallest and the largest element of each layer's input.</summary>
internal sealed record LayerExtremes(float[] Low, float[] High);

/// <summary>What a run of the encoder left.</summary>
internal sealed record EncoderTrial(float[] Features, float Score, LayerExtremes Extremes);

/// <summary>What a run of the segmentor left.</summary>
internal sealed record SegmentorTrial(float[] MaskLogits, float[] ClassLogits, LayerExtremes Extremes);
