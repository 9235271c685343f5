using System.Runtime.InteropServices;
using LoupeGrpc.Native;
using OpenCvSharp;
using Xunit;

namespace LoupeGrpc.UnitTests.Native;

/// <summary>Bytes to feed the native code with.</summary>
internal static class Pictures
{
    public static byte[] Noise(int length, int seed)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    /// <summary>A decoded picture's bytes, without gaps.</summary>
    public static byte[] BytesOf(Mat mat)
    {
        Assert.True(mat.IsContinuous());
        var bytes = new byte[checked((int)(mat.Total() * mat.ElemSize()))];
        Marshal.Copy(mat.Data, bytes, 0, bytes.Length);
        return bytes;
    }

    /// <summary>The planes of a buffer without gaps.</summary>
    public static PixelSource Dense(PixelFormat format, int width, int height, ReadOnlySpan<byte> bytes, YuvMatrix matrix = default, YuvRange range = default)
    {
        var shapes = Enumerable.Range(0, 3).Select(plane => PixelLayout.PlaneOf(format, width, height, plane)).ToArray();
        var lengths = Array.ConvertAll(shapes, shape => (int)shape.MinimumLength(shape.RowBytes));
        return new PixelSource
        {
            Format = format,
            Width = width,
            Height = height,
            Plane0 = bytes[..lengths[0]],
            Plane1 = bytes.Slice(lengths[0], lengths[1]),
            Plane2 = bytes.Slice(lengths[0] + lengths[1], lengths[2]),
            Stride0 = shapes[0].RowBytes,
            Stride1 = shapes[1].RowBytes,
            Stride2 = shapes[2].RowBytes,
            Matrix = matrix,
            Range = range,
        };
    }

    /// <summary>The bytes of all planes without gaps.</summary>
    public static int DenseLength(PixelFormat format, int width, int height) => Enumerable.Range(0, 3)
        .Select(plane => PixelLayout.PlaneOf(format, width, height, plane))
        .Sum(shape => (int)shape.MinimumLength(shape.RowBytes));

    /// <summary>Interleaved R, G, B to [3, height, width].</summary>
    public static byte[] ToChannels(ReadOnlySpan<byte> interleaved)
    {
        var pixels = interleaved.Length / 3;
        var channels = new byte[interleaved.Length];
        for (var i = 0; i < interleaved.Length; i++)
        {
            channels[((i % 3) * pixels) + (i / 3)] = interleaved[i];
        }

        return channels;
    }
}
