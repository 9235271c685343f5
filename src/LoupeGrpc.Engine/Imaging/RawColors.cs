using System.Runtime.InteropServices;
using LoupeGrpc.Native;
using OpenCvSharp;

namespace LoupeGrpc.Engine.Imaging;

/// <summary>Raw pixels as a decoded picture has them, at their own size: what tiles are cut out of. The same bytes as the preprocessor's, by the formula in loupe_native.h.</summary>
internal static class RawColors
{
    private const int Shift = 20;
    private const int Half = 1 << (Shift - 1);
    private const int Middle = 128;

    // [matrix][range]
    private static readonly Coefficients[][] Table =
    [
        [new(16, 1220542, 1673527, -409993, -852492, 2116026), new(0, 1048576, 1470104, -360853, -748826, 1858077)],
        [new(16, 1220945, 1879825, -223607, -558796, 2215014), new(0, 1048576, 1651297, -196424, -490864, 1945738)],
    ];

    /// <param name="source">Checked.</param>
    /// <returns>CV_8UC3, blue, green, red: the caller's.</returns>
    public static Mat ToBgr(in PixelSource source)
    {
        var picture = new Mat(source.Height, source.Width, MatType.CV_8UC3);
        for (int row = 0; row < source.Height; row++)
        {
            var target = MemoryMarshal.AsBytes(picture.RowSpan<Vec3b>(row));
            var first = source.Plane0[(row * source.Stride0)..];
            switch (source.Format)
            {
                case PixelFormat.Bgr24:
                    first[..target.Length].CopyTo(target);
                    break;
                case PixelFormat.Rgb24:
                    Pick(first, target, step: 3, blue: 2, green: 1, red: 0);
                    break;
                case PixelFormat.Bgra32:
                    Pick(first, target, step: 4, blue: 0, green: 1, red: 2);
                    break;
                case PixelFormat.Gray8:
                    Pick(first, target, step: 1, blue: 0, green: 0, red: 0);
                    break;
                case PixelFormat.Yuyv:
                    Convert(source, first, lumaStep: 2, first[1..], first[3..], chromaStep: 4, target);
                    break;
                case PixelFormat.Nv12:
                    var pairs = source.Plane1[(row / 2 * source.Stride1)..];
                    Convert(source, first, lumaStep: 1, pairs, pairs[1..], chromaStep: 2, target);
                    break;
                default:
                    Convert(
                        source, first, lumaStep: 1, source.Plane1[(row / 2 * source.Stride1)..], source.Plane2[(row / 2 * source.Stride2)..], chromaStep: 1, target);
                    break;
            }
        }

        return picture;
    }

    private static void Pick(ReadOnlySpan<byte> source, Span<byte> target, int step, int blue, int green, int red)
    {
        for (int from = 0, to = 0; to < target.Length; from += step, to += 3)
        {
            (target[to], target[to + 1], target[to + 2]) = (source[from + blue], source[from + green], source[from + red]);
        }
    }

    private static void Convert(
        in PixelSource source, ReadOnlySpan<byte> luma, int lumaStep, ReadOnlySpan<byte> u, ReadOnlySpan<byte> v, int chromaStep, Span<byte> target)
    {
        var (offset, cy, cvr, cug, cvg, cub) = Table[(int)source.Matrix][(int)source.Range];
        for (int x = 0, to = 0; to < target.Length; x++, to += 3)
        {
            int l = (Math.Max(0, luma[x * lumaStep] - offset) * cy) + Half;
            int u0 = u[x / 2 * chromaStep] - Middle;
            int v0 = v[x / 2 * chromaStep] - Middle;
            target[to] = Clamp(l + (cub * u0));
            target[to + 1] = Clamp(l + (cug * u0) + (cvg * v0));
            target[to + 2] = Clamp(l + (cvr * v0));
        }
    }

    private static byte Clamp(int value) => (byte)Math.Clamp(value >> Shift, byte.MinValue, byte.MaxValue);

    private readonly record struct Coefficients(int Offset, int Cy, int Cvr, int Cug, int Cvg, int Cub);
}
