using LoupeGrpc.Modeling.Configuration;
using LoupeGrpc.Modeling.Onnx;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Modeling.Graphs;

/// <summary>Pyramid, pixel decoder and mask decoder: features, score and adapted tensors to masks and what adaptation needs.</summary>
internal static class SegmentorGraph
{
    public static void Build(GraphBuilder graph, LoupeConfig config)
    {
        var (backbone, segmentor) = (config.Backbone, config.Segmentor);
        var features = graph.Input(PackageTensors.Features, graph.Compute, Dim.Batch, backbone.Tokens, backbone.Width);
        var score = graph.Input(PackageTensors.PseudoLabel, ElementType.Float32, Dim.Batch);
        var head = new PredictionHead(graph, segmentor);

        graph.Within("condition");
        var batch = score.Shape();
        var condition = segmentor.ConditionalQueries ? Condition(graph, score, segmentor.FeatureSize) : null;

        var pyramid = new Pyramid(graph, backbone).Build(features.Rows(backbone.Width));
        var pixels = new PixelDecoder(graph, backbone, segmentor).Build(pyramid, condition, batch);
        var masks = new MaskDecoder(graph, backbone, segmentor, head).Build(pixels, batch);

        graph.Within("output");
        int side = 4 * backbone.Grid;
        int predictions = MaskDecoder.Predictions(segmentor);
        graph.Output(PackageTensors.MaskLogits, masks.MaskLogits, Dim.Batch, segmentor.Queries, side, side);
        graph.Output(PackageTensors.ClassLogits, masks.ClassLogits, Dim.Batch, segmentor.Queries, 2);
        graph.Output(PackageTensors.HiddenStates, masks.HiddenStates, Dim.Batch, predictions, segmentor.Queries, segmentor.HiddenDim);
        graph.Output(PackageTensors.MaskFeatures, pixels.MaskFeatures, Dim.Batch, segmentor.MaskFeatureSize, side, side);
    }

    /// <summary>[B,D]: between the embeddings of an authentic and of a forged picture.</summary>
    private static Value Condition(GraphBuilder graph, Value score, int width)
    {
        var p = score.Reshape(-1, 1);
        return graph.Weight("segmentor.label_embedding.1", ElementType.Float32, width) * p
            + graph.Weight("segmentor.label_embedding.0", ElementType.Float32, width) * (1 - p);
    }
}
