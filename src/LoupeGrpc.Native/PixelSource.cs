namespace LoupeGrpc.Native;

/// <summary>
/// A picture as a camera or a decoder left it in memory, borrowed for the duration of a call. Construction checks nothing:
/// <see cref="PixelLayout.TryValidate"/> does, and so does everything that takes one.
/// </summary>
public readonly ref struct PixelSource
{
    /// <summary>A picture in one plane.</summary>
    /// <param name="stride">Bytes from one row to the next.</param>
    public PixelSource(PixelFormat format, int width, int height, ReadOnlySpan<byte> plane, int stride)
        : this(format, width, height)
    {
        Plane0 = plane;
        Stride0 = stride;
    }

    private PixelSource(PixelFormat format, int width, int height)
    {
        Format = format;
        Width = width;
        Height = height;
    }

    public PixelFormat Format { get; init; }

    /// <summary>Pixels, 1 to <see cref="PixelLayout.MaxSide"/>.</summary>
    public int Width { get; init; }

    /// <inheritdoc cref="Width"/>
    public int Height { get; init; }

    /// <summary>The first plane. Planes that <see cref="Format"/> does not have are ignored.</summary>
    public ReadOnlySpan<byte> Plane0 { get; init; }

    /// <summary>U and V of NV12, U of I420.</summary>
    public ReadOnlySpan<byte> Plane1 { get; init; }

    /// <summary>V of I420.</summary>
    public ReadOnlySpan<byte> Plane2 { get; init; }

    /// <summary>Bytes from one row of <see cref="Plane0"/> to the next, at least those of a row.</summary>
    public int Stride0 { get; init; }

    /// <summary>As <see cref="Stride0"/>, of <see cref="Plane1"/>.</summary>
    public int Stride1 { get; init; }

    /// <summary>As <see cref="Stride0"/>, of <see cref="Plane2"/>.</summary>
    public int Stride2 { get; init; }

    /// <summary>Default <see cref="YuvMatrix.Bt601"/>.</summary>
    public YuvMatrix Matrix { get; init; }

    /// <summary>Default <see cref="YuvRange.Limited"/>.</summary>
    public YuvRange Range { get; init; }
}
