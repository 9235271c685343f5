using LoupeGrpc.Modeling.Configuration;
using LoupeGrpc.Modeling.Onnx;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Modeling.Graphs;

/// <summary>Backbone and classifier: pixels to features, the score's logit and the patches' logits.</summary>
internal static class EncoderGraph
{
    public static void Build(GraphBuilder graph, LoupeConfig config)
    {
        var backbone = config.Backbone;
        var pixels = graph.Input(PackageTensors.PixelValues, ElementType.Float32, Dim.Batch, 3, backbone.ImageSize, backbone.ImageSize);

        var encoder = new Backbone(graph, backbone);
        var features = encoder.Features(pixels);
        var (clsLogit, patchLogits) = new Classifier(graph, backbone, config.Classifier).Logits(features, encoder.Pool(features));

        graph.Within("output");
        graph.Output(PackageTensors.Features, features.ToCompute().Reshape(-1, backbone.Tokens, backbone.Width), Dim.Batch, backbone.Tokens, backbone.Width);
        graph.Output(PackageTensors.ClsLogit, clsLogit, Dim.Batch, 1);
        graph.Output(PackageTensors.PatchLogits, patchLogits, Dim.Batch, backbone.Patches);
    }
}
