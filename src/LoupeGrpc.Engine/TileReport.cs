namespace LoupeGrpc.Engine;

/// <summary>How a picture was looked at in tiles.</summary>
/// <param name="Analysed">Tiles that the score is made of, at least 1.</param>
/// <param name="Of">Tiles that cover the picture.</param>
/// <param name="Step">The most pixels from the start of a tile to that of the next.</param>
/// <param name="WholePictureRun">The picture was analysed whole too, to choose among too many tiles.</param>
/// <param name="Peak">For people: where to look first. The verdict does not know it.</param>
public sealed record TileReport(int Analysed, int Of, int Step, bool WholePictureRun, TilePeak Peak)
{
    /// <summary>Share of the tiles that were analysed, above 0, at most 1.</summary>
    public double Coverage => (double)Analysed / Of;

    /// <summary>How tiles of several frames were pooled; null: all are of this picture.</summary>
    public TileWindowReport? Window { get; init; }
}

/// <summary>What was pooled of the frames of a session of which each shows some tiles.</summary>
/// <param name="Frames">Whose tiles the score is made of, this one among them: at least 1, which is what it is where the window began anew.</param>
/// <param name="Size">The most that may be.</param>
/// <param name="Fresh">Tiles of this frame, at least 1.</param>
/// <param name="Masked">Tiles whose maps the mask is made of; 0 where there is none.</param>
/// <param name="PeakAge">How many frames before this one <see cref="TileReport.Peak"/> was seen.</param>
public sealed record TileWindowReport(int Frames, int Size, int Fresh, int Masked, int PeakAge);

/// <summary>The tile with the highest score.</summary>
/// <param name="Score">Of the tile alone, 0 to 1.</param>
/// <param name="X">Its box in stored pixels, cut at the picture's edge.</param>
public sealed record TilePeak(float Score, int X, int Y, int Width, int Height);
