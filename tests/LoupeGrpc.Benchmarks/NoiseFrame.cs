using LoupeGrpc.Engine;
using LoupeGrpc.Native;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Benchmarks;

/// <summary>A frame of the model's own size: nothing to decode, next to nothing to resize.</summary>
internal static class NoiseFrame
{
    public static RawInput Of(ModelPackage package)
    {
        int side = package.Manifest.ImageSize;
        byte[] pixels = new byte[side * side * 3];
        new Random(1).NextBytes(pixels);
        return new RawInput(pixels, new RawLayout(PixelFormat.Bgr24, side, side, [], YuvMatrix.Bt601, YuvRange.Limited));
    }
}
