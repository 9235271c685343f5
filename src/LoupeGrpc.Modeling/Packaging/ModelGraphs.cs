using LoupeGrpc.Modeling.Checkpoints;
using LoupeGrpc.Modeling.Configuration;
using LoupeGrpc.Modeling.Graphs;
using LoupeGrpc.Modeling.Onnx;
using LoupeGrpc.Modeling.Quantization;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Modeling.Packaging;

/// <summary>The graphs of a precision and the layout of their weights, checked against the checkpoint and not yet on disk.</summary>
internal sealed class ModelGraphs
{
    private ModelGraphs(
        string precision,
        ModelProto encoder,
        ModelProto segmentor,
        ModelProto? processorSegmentor,
        ModelProto adapt,
        WeightFile weights,
        IReadOnlyList<(AdaptedTensor Tensor, float[] Values)> theta,
        IReadOnlySet<string> tensors)
    {
        Precision = precision;
        Encoder = encoder;
        Segmentor = segmentor;
        ProcessorSegmentor = processorSegmentor;
        Adapt = adapt;
        Weights = weights;
        Theta = theta;
        Tensors = tensors;
    }

    /// <summary>One of <see cref="PackageLayout.Precisions"/>.</summary>
    public string Precision { get; }

    public ModelProto Encoder { get; }

    public ModelProto Segmentor { get; }

    /// <summary>The segmentor with <see cref="ProcessorOperators"/>; null in a precision that is not for the CPU.</summary>
    public ModelProto? ProcessorSegmentor { get; }

    public ModelProto Adapt { get; }

    public WeightFile Weights { get; }

    /// <summary>The adapted tensors and their base values, in the order of <see cref="PackageTensors.Adapted"/>.</summary>
    public IReadOnlyList<(AdaptedTensor Tensor, float[] Values)> Theta { get; }

    /// <summary>The names of the checkpoint's tensors that the graphs are made of.</summary>
    public IReadOnlySet<string> Tensors { get; }

    /// <summary>Outputs of half precision; null where there are none.</summary>
    public IReadOnlyList<string>? HalfTensors
    {
        get
        {
            string[] names = [.. Encoder.Graph.Output.Concat(Segmentor.Graph.Output).Where(IsHalf).Select(static output => output.Name)];
            return names.Length == 0 ? null : names;
        }
    }

    /// <param name="precision">One of <see cref="PackageLayout.Precisions"/>.</param>
    /// <param name="exposes">For tests: stages that become outputs.</param>
    /// <param name="quantized">For <see cref="PackageLayout.Int8"/>: the layers that are in 8 bits, with their ranges.</param>
    /// <exception cref="CheckpointException">Names every file that gives nothing, and every tensor that is missing, has another shape or has no place.</exception>
    /// <exception cref="PackageException">Names every setting that no graph can be built for.</exception>
    public static ModelGraphs Build(
        LoupeConfig config,
        ITensorSource source,
        string precision,
        string producer,
        Func<string, bool>? exposes = null,
        IReadOnlyDictionary<string, ActivationRange>? quantized = null)
    {
        GraphRules.Validate(config);
        var compute = precision switch
        {
            PackageLayout.Fp32 or PackageLayout.Int8 => ElementType.Float32,
            PackageLayout.Fp16 => ElementType.Float16,
            _ => throw new ArgumentOutOfRangeException(nameof(precision), precision, null),
        };
        var tensors = new TensorLedger(source);
        var weights = new WeightFile();
        ILinearForm? Form() => precision == PackageLayout.Int8 ? new StaticLinear(quantized!) : null;
        var encoder = new GraphBuilder("encoder", compute, tensors, weights, exposes) { Linear = Form() };
        EncoderGraph.Build(encoder, config);
        var segmentor = new GraphBuilder("segmentor", compute, tensors, weights, exposes) { Linear = Form() };
        SegmentorGraph.Build(segmentor, config);
        GraphBuilder? processorSegmentor = null;
        if (compute == ElementType.Float32)
        {
            processorSegmentor = new GraphBuilder("segmentor", compute, tensors, weights, exposes, forProcessor: true) { Linear = Form() };
            SegmentorGraph.Build(processorSegmentor, config);
        }

        var adapt = new GraphBuilder("adapt", compute, tensors, weights, exposes);
        AdaptGraph.Build(adapt, config);
        var theta = AdaptedInputs.Shapes(config.Segmentor).Select(tensor => (tensor, Read(tensors, tensor))).ToList();
        tensors.ThrowIfInvalid();
        return new ModelGraphs(
            precision,
            encoder.Build(producer),
            segmentor.Build(producer),
            processorSegmentor?.Build(producer),
            adapt.Build(producer),
            weights,
            theta,
            tensors.Asked);
    }

    private static bool IsHalf(ValueInfoProto value) => value.Type.TensorType.ElemType == (int)TensorProto.Types.DataType.Float16;

    private static float[] Read(TensorLedger tensors, AdaptedTensor adapted) =>
        tensors.Read(AdaptedInputs.CheckpointName(adapted.Name), [.. adapted.Shape]);
}
