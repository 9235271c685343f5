namespace LoupeGrpc.Packaging;

/// <summary>How <see cref="PackageLayout.Int8"/> came to be: on which pictures, what it costs in exactness on them, and which layers are in 8 bits.</summary>
/// <param name="Pictures">On which ranges were measured and answers compared.</param>
/// <param name="PicturesSha256">Of the SHA-256 of each picture's file in lower-case hex, a line each, in ordinal order: names the set.</param>
/// <param name="ScoreDifference">From single precision's scores.</param>
/// <param name="Iou">Of masks with single precision's.</param>
/// <param name="Layers">Every layer that could be in 8 bits, in the order of the graphs.</param>
public sealed record QuantizationSettings(
    int Pictures, string PicturesSha256, ScoreDifferenceFigures ScoreDifference, IouFigures Iou, IReadOnlyList<QuantizedLayer> Layers);

/// <param name="Mean">Over the pictures.</param>
/// <param name="Most">Of any picture.</param>
public sealed record ScoreDifferenceFigures(double Mean, double Most);

/// <param name="Mean">Over the pictures.</param>
/// <param name="Least">Of any picture.</param>
public sealed record IouFigures(double Mean, double Least);

/// <summary>A linear layer over tokens or cells.</summary>
/// <param name="Name">As in the checkpoint, as far as it stands there alone.</param>
/// <param name="Precision"><see cref="PackageLayout.Int8"/> or <see cref="PackageLayout.Fp32"/>.</param>
/// <param name="Range">Of its input on the pictures.</param>
/// <param name="Effect">What this layer alone in 8 bits does to the answers, at most, as a share of what all together may do.</param>
public sealed record QuantizedLayer(string Name, string Precision, ActivationRange Range, double Effect);
