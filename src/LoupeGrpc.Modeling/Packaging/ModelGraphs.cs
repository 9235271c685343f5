using LoupeGrpc.Modeling.Checkpoints;
using LoupeGrpc.Modeling.Configuration;
using LoupeGrpc.Modeling.Graphs;
using LoupeGrpc.Modeling.Onnx;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Modeling.Packaging;

/// <summary>The graphs of a precision and the layout of their weights, checked against the checkpoint and not yet on disk.</summary>
internal sealed class ModelGraphs
{
    private ModelGraphs(
        ModelProto encoder, ModelProto segmentor, ModelProto adapt, WeightFile weights, IReadOnlyList<(AdaptedTensor Tensor, float[] Values)> theta)
    {
        Encoder = encoder;
        Segmentor = segmentor;
        Adapt = adapt;
        Weights = weights;
        Theta = theta;
    }

    public ModelProto Encoder { get; }

    public ModelProto Segmentor { get; }

    public ModelProto Adapt { get; }

    public WeightFile Weights { get; }

    /// <summary>The adapted tensors and their base values, in the order of <see cref="PackageTensors.Adapted"/>.</summary>
    public IReadOnlyList<(AdaptedTensor Tensor, float[] Values)> Theta { get; }

    /// <param name="exposes">For tests: stages that become outputs.</param>
    /// <exception cref="CheckpointException">Names every tensor that is missing, has another shape or has no place.</exception>
    /// <exception cref="PackageException">Names every setting that no graph can be built for.</exception>
    public static ModelGraphs Build(LoupeConfig config, ITensorSource source, string producer, Func<string, bool>? exposes = null)
    {
        GraphRules.Check(config);
        var tensors = new TensorLedger(source);
        var weights = new WeightFile();
        var encoder = new GraphBuilder("encoder", ElementType.Float32, tensors, weights, exposes);
        EncoderGraph.Build(encoder, config);
        var segmentor = new GraphBuilder("segmentor", ElementType.Float32, tensors, weights, exposes);
        SegmentorGraph.Build(segmentor, config);
        var adapt = new GraphBuilder("adapt", ElementType.Float32, tensors, weights, exposes);
        AdaptGraph.Build(adapt, config);
        var theta = AdaptedInputs.Shapes(config.Segmentor).Select(tensor => (tensor, Read(tensors, tensor))).ToList();
        tensors.ThrowIfUnsound();
        return new ModelGraphs(encoder.Build(producer), segmentor.Build(producer), adapt.Build(producer), weights, theta);
    }

    private static float[] Read(TensorLedger tensors, AdaptedTensor adapted) =>
        tensors.Read(AdaptedInputs.CheckpointName(adapted.Name), [.. adapted.Shape]);
}
