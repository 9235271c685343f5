using LoupeGrpc.Engine.Masks;
using LoupeGrpc.Engine.Tiling;

namespace LoupeGrpc.Engine.Pipeline;

/// <summary>How a frame is to be looked at in tiles.</summary>
/// <param name="Limit">The most tiles to analyse.</param>
internal sealed record TilePlan(TileGrid Grid, int Limit);

/// <summary>A frame that is looked at in tiles: its pixels, and what is made of them.</summary>
internal sealed class TiledPicture(HeldPicture picture) : IDisposable
{
    /// <summary>Until the tiles are analysed.</summary>
    public HeldPicture Picture => picture;

    /// <summary>[height, width], once its tiles are merged; null: no mask is wanted.</summary>
    public PixelMemory<float>? Soft { get; set; }

    public void Dispose()
    {
        picture.Dispose();
        Soft?.Dispose();
    }
}
