using LoupeGrpc.Modeling.Configuration;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Modeling.Graphs;

/// <summary>The adapted tensors: their names in the checkpoint, their shapes, and the head they make as inputs of a graph.</summary>
internal static class AdaptedInputs
{
    /// <summary>The name in the checkpoint of an adapted tensor.</summary>
    public static string CheckpointName(string adapted) => adapted.Split('.')[0] switch
    {
        "decoder" => "segmentor.mask2former_decoder." + adapted,
        "mask_embedder" => "segmentor.mask2former_decoder.decoder.mask_predictor." + adapted,
        _ => "segmentor." + adapted,
    };

    /// <summary>In the order of <see cref="PackageTensors.Adapted"/>, without a batch.</summary>
    public static IReadOnlyList<AdaptedTensor> Shapes(SegmentorConfig config)
    {
        int hidden = config.HiddenDim;
        int[][] shapes =
        [
            [hidden], [hidden],
            [hidden, hidden], [hidden],
            [hidden, hidden], [hidden],
            [config.MaskFeatureSize, hidden], [config.MaskFeatureSize],
            [2, hidden], [2],
        ];
        return [.. PackageTensors.Adapted.Zip(shapes, static (name, shape) => new AdaptedTensor(name, shape))];
    }
}
