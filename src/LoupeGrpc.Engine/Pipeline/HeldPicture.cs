using System.Runtime.InteropServices;
using LoupeGrpc.Native;
using OpenCvSharp;

namespace LoupeGrpc.Engine.Pipeline;

/// <summary>A decoded picture, which stays while its parts are analysed where it has some. Not changed any more: any number of threads may read it.</summary>
/// <param name="picture">CV_8UC3, in blue, green, red. Owned.</param>
internal sealed class HeldPicture(Mat picture) : IDisposable
{
    public int Width => picture.Width;

    public int Height => picture.Height;

    /// <summary>Bytes from row to row.</summary>
    public int Stride => (int)picture.Step();

    /// <summary>[height, width, 3], rows <see cref="Stride"/> bytes apart.</summary>
    public ReadOnlySpan<byte> Pixels => MemoryMarshal.AsBytes(picture.AsSpan<Vec3b>());

    public PixelSource Source => new(PixelFormat.Bgr24, Width, Height, Pixels, Stride);

    public void Dispose() => picture.Dispose();
}
