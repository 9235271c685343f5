using System.Diagnostics.CodeAnalysis;
using LoupeGrpc.Native.Interop;

namespace LoupeGrpc.Native;

/// <summary>What pixel formats need of memory, and their pixels as colour. Safe from any thread.</summary>
public static class PixelLayout
{
    /// <summary>The most pixels a picture may have a side.</summary>
    public const int MaxSide = 65535;

    /// <summary>
    /// Checks everything that processing would refuse: sizes, strides shorter than a row, planes missing or shorter than
    /// stride * (rows - 1) + a row, enumerators that do not exist.
    /// </summary>
    /// <param name="error">What does not fit, in one sentence without a final stop; null where all does.</param>
    public static unsafe bool TryValidate(in PixelSource source, [NotNullWhen(false)] out string? error)
    {
        fixed (byte* plane0 = source.Plane0, plane1 = source.Plane1, plane2 = source.Plane2)
        {
            var image = NativeImage.From(source, plane0, plane1, plane2);
            var status = NativeMethods.loupe_image_validate(&image);
            error = status == NativeStatus.Ok ? null : NativeException.LastMessage();
            return error is null;
        }
    }

    /// <summary>The picture in colour, at its own size: blue, green, red. The bytes are those that a <see cref="Preprocessor"/> resizes.</summary>
    /// <param name="destination">Address of the first row: native memory, which may be more than a span can be.</param>
    /// <param name="length">Bytes there, at least stride * (height - 1) + 3 * width.</param>
    /// <param name="stride">Bytes from one row to the next, at least 3 * width.</param>
    /// <exception cref="NativeException">The picture fails <see cref="TryValidate"/>, or the destination does not hold it.</exception>
    public static unsafe void ToBgr(in PixelSource source, nint destination, long length, int stride)
    {
        fixed (byte* plane0 = source.Plane0, plane1 = source.Plane1, plane2 = source.Plane2)
        {
            var image = NativeImage.From(source, plane0, plane1, plane2);
            NativeException.ThrowIfFailed(NativeMethods.loupe_image_to_bgr(&image, (byte*)destination, stride, length));
        }
    }

    /// <summary>
    /// The bytes of a row of one plane, without gaps, and the plane's rows; zeros for a plane that the format lacks.
    /// </summary>
    /// <param name="plane">0 to 2.</param>
    /// <exception cref="NativeException">The format or the size is not acceptable.</exception>
    public static unsafe PlaneShape PlaneOf(PixelFormat format, int width, int height, int plane)
    {
        long rowBytes;
        int rows;
        NativeException.ThrowIfFailed(
            NativeMethods.loupe_plane_layout((int)format, width, height, plane, &rowBytes, &rows));
        return new PlaneShape((int)rowBytes, rows);
    }
}

/// <summary>The size of one plane of a picture.</summary>
/// <param name="RowBytes">The least stride.</param>
public readonly record struct PlaneShape(int RowBytes, int Rows)
{
    /// <summary>The bytes a plane must have with the given stride: the last row needs no gap after it.</summary>
    public long MinimumLength(int stride) => Rows == 0 ? 0 : ((long)stride * (Rows - 1)) + RowBytes;
}
