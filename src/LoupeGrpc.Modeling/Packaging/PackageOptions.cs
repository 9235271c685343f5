using LoupeGrpc.Modeling.Checkpoints;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Modeling.Packaging;

/// <summary>What a package says about itself that neither weights nor configuration know.</summary>
/// <param name="Name">Shown to clients.</param>
/// <param name="Version">Of the model.</param>
/// <param name="Demonstration">The model only shows how things work; clients are told.</param>
/// <param name="Producer">Program that writes the package and its version.</param>
/// <param name="Overwrite">Replace a package that already exists at the output. Default: refuse.</param>
public sealed record PackageOptions(string Name, string Version, bool Demonstration, string Producer, bool Overwrite = false)
{
    /// <summary>What is written, each one of <see cref="PackageLayout.Precisions"/>. Default: single precision.</summary>
    public IReadOnlyCollection<string> Precisions { get; init; } = [PackageLayout.Fp32];

    /// <summary>How large pictures may be looked at in tiles; null: never, since the model was trained on pictures resized to its input.</summary>
    public TileSettings? Tiles { get; init; }
}

/// <summary>What a conversion is doing.</summary>
public enum PackagePhase
{
    /// <summary>Laying out the graphs and checking every tensor against them; nothing is written yet.</summary>
    Graphs,

    /// <summary>Every tensor fits and holds finite numbers; nothing is written yet.</summary>
    Checked,

    /// <summary>Writing the weight files.</summary>
    Weights,

    /// <summary>Everything but the self-check is on disk.</summary>
    Staged,
}

/// <summary>How far a conversion is.</summary>
/// <param name="BytesWritten">Of the weight files.</param>
/// <param name="BytesTotal">Of the weight files; 0 while it is not known.</param>
public readonly record struct PackageProgress(PackagePhase Phase, long BytesWritten, long BytesTotal)
{
    /// <summary>With <see cref="PackagePhase.Checked"/>: what each file of weights gave; null otherwise.</summary>
    public IReadOnlyList<WeightsUse>? Weights { get; init; }
}
