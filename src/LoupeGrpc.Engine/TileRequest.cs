namespace LoupeGrpc.Engine;

/// <summary>When a picture is looked at in tiles, its pixels as they are, instead of whole and resized to the model's input.</summary>
public enum TilePolicy
{
    /// <summary>Never.</summary>
    Off,

    /// <summary>
    /// Where the package's model was trained on pixels as they are, for picture files whose longer side is above 2.5 times the model's input, outside sessions that adapt.
    /// </summary>
    Auto,

    /// <summary>Every picture file, whatever the package says. Not in sessions that adapt.</summary>
    Native,
}

/// <summary>Whether and how a picture is looked at in tiles.</summary>
/// <param name="MaxTiles">The most tiles of a picture, 1 to <see cref="Ceiling"/>. Above it they do not overlap, and above that a choice of them is analysed.</param>
public sealed record TileRequest(TilePolicy Policy, int MaxTiles = TileRequest.DefaultTiles)
{
    /// <summary>A picture of about 6 megapixels with an input of 224 pixels, where they overlap.</summary>
    public const int DefaultTiles = 256;

    /// <summary>A picture of 100 megapixels.</summary>
    public const int Ceiling = 4096;

    public static TileRequest None { get; } = new(TilePolicy.Off);

    /// <summary>
    /// Time that the tiles of a picture may take; null: as long as it takes. From how long tiles took so far follows how many are analysed: it is kept on average, not by
    /// each picture, and what was chosen then depends on how busy the machine is.
    /// </summary>
    public TimeSpan? Budget { get; init; }

    /// <summary>
    /// Tiles of each frame of a session: all of them in turn, as <c>TileRotation</c> has it, and the score is that of the tiles of the last frames. Up to
    /// <see cref="Ceiling"/>; 0: each frame is looked at by itself. Needs <see cref="AnalysisRequest.TileWindow"/>. Raw frames are looked at in tiles then as files are.
    /// </summary>
    public int PerFrame { get; init; }

    /// <summary>The most frames whose tiles count together, up to <see cref="Ceiling"/>; 0: as many as it takes to look at every tile once, which is also the most that matter.</summary>
    public int Window { get; init; }
}
