using System.Globalization;

namespace LoupeGrpc.Engine;

/// <summary>How far answers in 8 bits may be from single precision's, on each picture that ranges were measured on.</summary>
/// <param name="Score">The largest difference of a score.</param>
/// <param name="Iou">The least overlap of a mask.</param>
public sealed record QuantizationBound(double Score, double Iou)
{
    /// <summary>What a package is refused for.</summary>
    public static QuantizationBound Default { get; } = new(0.005, 0.97);

    /// <summary>How much of the bound a difference takes: beyond 1 it is broken.</summary>
    internal double ShareOf(double score, double iou) => Math.Max(score / Score, Iou < 1 ? (1 - iou) / (1 - Iou) : iou < 1 ? double.PositiveInfinity : 0);

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"scores may differ by {Score}, masks overlap by an IoU of {Iou} at least");
}
