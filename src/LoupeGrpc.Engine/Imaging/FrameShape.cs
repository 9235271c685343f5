namespace LoupeGrpc.Engine.Imaging;

/// <summary>What is known of a frame before its pixels are read.</summary>
/// <param name="Header">Null for raw pixels.</param>
internal readonly record struct FrameShape(int Width, int Height, ImageHeader? Header)
{
    public long Pixels => (long)Width * Height;
}
