using LoupeGrpc.Modeling.Configuration;
using LoupeGrpc.Modeling.Onnx;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Modeling.Graphs;

/// <summary>The global and the patch classifier and their fusion.</summary>
internal sealed class Classifier(GraphBuilder graph, BackboneConfig backbone, ClassifierConfig config)
{
    /// <summary>From features as rows [B·T,C] and the pooled vector [B,C] to the score's logit [B,1] and the patches' [B,N], all fp32.</summary>
    public (Value ClsLogit, Value PatchLogits) Logits(Value features, Value pooled)
    {
        graph.Within("classifier.classifier");
        var global = Head(pooled, "classifier.classifier");
        graph.Stage("global_logit", () => global, Dim.Batch, 1);

        graph.Within("classifier.patch_classifier");
        var patches = Head(features.PatchRows(backbone), "classifier.patch_classifier").Reshape(-1, backbone.Patches);
        if (!config.EnableFusion)
        {
            return (global, patches);
        }

        graph.Within("classifier.fuser");
        var weight = graph.Weight("classifier.fuser.fuse.weight", ElementType.Float32, 1, 1 + backbone.Patches);
        return (Value.Concat(1, global, patches).Gemm(weight, null), patches);
    }

    private Value Head(Value x, string name)
    {
        int inner = (int)(backbone.Width * config.MlpRatio);
        int inputs = backbone.Width;
        for (int i = 0; i < config.MlpLayers - 1; i++)
        {
            x = x.Linear($"{name}.layers.{i}", inputs, inner).Gelu();
            inputs = inner;
        }

        // A logit in half precision could be off by some thousandths already.
        return x.Linear($"{name}.layers.{config.MlpLayers - 1}", ElementType.Float32, inputs, 1);
    }
}
