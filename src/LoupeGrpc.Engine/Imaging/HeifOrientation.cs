namespace LoupeGrpc.Engine.Imaging;

/// <summary>How a HEIF asks to turn and mirror a picture, as EXIF would say it: mirrored left to right first, then turned so many quarters anticlockwise.</summary>
internal readonly record struct HeifOrientation(int Quarters, bool IsMirrored)
{
    /// <summary>1 to 8.</summary>
    public int Exif => (IsMirrored, Quarters) switch
    {
        (false, 0) => 1,
        (false, 1) => 8,
        (false, 2) => 3,
        (false, _) => 6,
        (true, 0) => 2,
        (true, 1) => 5,
        (true, 2) => 4,
        (true, _) => 7,
    };

    /// <param name="quarters">Anticlockwise.</param>
    public HeifOrientation Rotated(int quarters) => this with { Quarters = (Quarters + quarters) & 3 };

    /// <param name="leftToRight">Otherwise top to bottom.</param>
    public HeifOrientation Mirrored(bool leftToRight) => new(((leftToRight ? 0 : 2) - Quarters) & 3, !IsMirrored);
}
