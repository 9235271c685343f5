using LoupeGrpc.Engine.Masks;
using LoupeGrpc.Engine.Tiling;

namespace LoupeGrpc.Engine.Pipeline;

/// <summary>What a frame shows of a picture that another frame is.</summary>
/// <param name="picture">Stays until this frame is answered.</param>
/// <param name="start">Of the tile; null: the whole picture, to choose among its tiles.</param>
internal sealed class TilePart(HeldPicture picture, TileStart? start) : IDisposable
{
    public HeldPicture Picture => picture;

    public TileStart? Start => start;

    /// <summary>[height, width] of the part, once its mask is made.</summary>
    public PixelMemory<float>? Soft { get; set; }

    public void Dispose() => Soft?.Dispose();
}
