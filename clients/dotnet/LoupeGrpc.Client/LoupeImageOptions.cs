using LoupeGrpc.V1;

namespace LoupeGrpc.Client;

/// <summary>What is wanted of a picture outside any session. Immutable.</summary>
public sealed record LoupeImageOptions
{
    /// <summary>Which of the server's models analyses it: a name from <see cref="GetServerInfoResponse.Models"/>. Default: the server's first.</summary>
    public string Model { get; init; } = "";

    /// <summary>Where a score becomes a verdict. Default: the server's, 0.4 and 0.6 unless configured.</summary>
    public Thresholds? Thresholds { get; init; }

    /// <summary>When and how a mask is returned. Default: RLE when the verdict is not authentic.</summary>
    public MaskSettings? Mask { get; init; }

    /// <summary>Whether a picture file is looked at in tiles, its pixels as they are. Default: it is not.</summary>
    public TileSettings? Tiles { get; init; }

    /// <summary>The language, `en` or `zh`, of <see cref="FrameResult.Explanation"/>. Default: none, the result has no sentences.</summary>
    public string Explain { get; init; } = "";

    /// <summary>Have the server sign a receipt, <see cref="FrameResult.Receipt"/>; where it has no key for that, the call fails. Default false.</summary>
    public bool Receipt { get; init; }
}
