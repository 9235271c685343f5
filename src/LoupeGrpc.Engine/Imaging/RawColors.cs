using LoupeGrpc.Native;
using OpenCvSharp;

namespace LoupeGrpc.Engine.Imaging;

/// <summary>Raw pixels as a decoded picture has them, at their own size: what tiles are cut out of.</summary>
internal static class RawColors
{
    /// <returns>CV_8UC3, blue, green, red: the caller's.</returns>
    /// <exception cref="NativeException">The source does not fit together.</exception>
    public static Mat ToBgr(in PixelSource source)
    {
        var picture = new Mat(source.Height, source.Width, MatType.CV_8UC3);
        try
        {
            long stride = picture.Step();
            PixelLayout.ToBgr(source, picture.Data, stride * source.Height, (int)stride);
            return picture;
        }
        catch
        {
            picture.Dispose();
            throw;
        }
    }
}
