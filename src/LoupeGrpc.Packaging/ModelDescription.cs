namespace LoupeGrpc.Packaging;

/// <summary>What callers are told of a model.</summary>
/// <param name="Hash"><see cref="ModelPackage.Hash"/>.</param>
/// <param name="Demonstration">It shows how things work and must not be relied on.</param>
/// <param name="ImageSize">Side of the square input in pixels.</param>
/// <param name="Grid">Patches along one side.</param>
public sealed record ModelDescription(string Name, string Version, string Hash, bool Demonstration, int ImageSize, int Grid)
{
    /// <summary>Large pictures may be looked at in tiles.</summary>
    public bool NativeTiles { get; init; }

    /// <summary>Of large pictures in tiles: <see cref="TileSettings.Bias"/>; 0 where the model is not for them.</summary>
    public double TileBias { get; init; }

    /// <summary>Fitted to an operator's own pictures; null: it was not.</summary>
    public CalibrationSettings? Calibration { get; init; }

    /// <summary>Enough of <see cref="Hash"/> for people.</summary>
    public string ShortHash => Hash[..8];

    /// <summary>As the ready line, logs and messages name it: name, <c>@</c>, <see cref="ShortHash"/>.</summary>
    public string Title => $"{Name}@{ShortHash}";
}
