namespace LoupeGrpc.Modeling.Quantization;

/// <summary>
/// Which linear layers may be computed in 8 bits: those over tokens or cells, where nearly all products are. What reads one row a picture or one a query gains
/// nothing from it, and from the classifier's heads the score is read off.
/// </summary>
internal static class QuantizableLayers
{
    private const string Suffix = ".weight";

    private static readonly string[] Parts = ["backbone.transformer.resblocks.", "segmentor.pixel_decoder.", "segmentor.mask2former_decoder."];

    /// <summary>The layer of a weight; null for one that stays as it is.</summary>
    public static string? NameOf(string weight)
    {
        if (!weight.EndsWith(Suffix, StringComparison.Ordinal) || !Parts.Any(part => weight.StartsWith(part, StringComparison.Ordinal)))
        {
            return null;
        }

        string name = weight[..^Suffix.Length];
        bool isDecoder = name.StartsWith("segmentor.mask2former_decoder.", StringComparison.Ordinal);
        bool isCrossAttention = name.Contains(".cross_attn.", StringComparison.Ordinal);
        bool readsCells = name.EndsWith(".cross_attn.key", StringComparison.Ordinal) || name.EndsWith(".cross_attn.value", StringComparison.Ordinal)
            || name.Contains(".input_projections.", StringComparison.Ordinal);
        return isDecoder ? (readsCells ? name : null) : isCrossAttention ? null : name;
    }
}
