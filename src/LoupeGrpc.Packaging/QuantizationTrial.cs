namespace LoupeGrpc.Packaging;

/// <summary>Graphs that exist while a package is converted alone, to find out which layers can be in 8 bits: single precision's, with a switch for each such layer.</summary>
/// <param name="Encoder">Full path.</param>
/// <param name="Segmentor">Full path.</param>
/// <param name="EncoderLayers">The layers that its switches stand for, in their order.</param>
/// <param name="SegmentorLayers">As those.</param>
public sealed record QuantizationTrial(string Encoder, string Segmentor, IReadOnlyList<string> EncoderLayers, IReadOnlyList<string> SegmentorLayers);

/// <summary>What the graphs of a <see cref="QuantizationTrial"/> have beside the model's own inputs and outputs, one element a layer.</summary>
public static class TrialTensors
{
    /// <summary>Input, bool: whether a layer is in 8 bits.</summary>
    public const string Quantized = "layers.quantized";

    /// <summary>Input, fp32: <see cref="ActivationRange.Scale"/>.</summary>
    public const string Scale = "layers.scale";

    /// <summary>Input, uint8: <see cref="ActivationRange.ZeroPoint"/>.</summary>
    public const string ZeroPoint = "layers.zero_point";

    /// <summary>Output, fp32: the smallest element of a layer's input.</summary>
    public const string Low = "layers.low";

    /// <summary>Output, fp32: the largest.</summary>
    public const string High = "layers.high";
}
