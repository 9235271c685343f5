using LoupeGrpc.Native;

namespace LoupeGrpc.Engine.Imaging;

/// <summary>Where the planes of raw pixels lie: one behind the other, each with its stride.</summary>
internal static class RawPlanes
{
    private const int MostPlanes = 3;

    /// <summary>The size was checked against the limits before.</summary>
    /// <param name="length">Bytes of the frame. The padding behind its last row may be left out; nothing else may be missing or more.</param>
    public static FrameFailure? Check(RawLayout layout, long length)
    {
        if (!Enum.IsDefined(layout.Format) || !Enum.IsDefined(layout.Matrix) || !Enum.IsDefined(layout.Range))
        {
            return Invalid($"Pixel format {layout.Format} with matrix {layout.Matrix} and range {layout.Range} does not exist.");
        }

        if (layout.Width < 1 || layout.Height < 1)
        {
            return Invalid($"The frame has no pixels ({layout.Width} x {layout.Height}).");
        }

        int planes = CountPlanes(layout);
        if (layout.Strides.Count != 0 && layout.Strides.Count != planes)
        {
            return Invalid($"{layout.Format} has {planes} planes, but the number of strides given is {layout.Strides.Count}.");
        }

        long whole = 0;
        long least = 0;
        for (int i = 0; i < planes; i++)
        {
            var shape = PixelLayout.PlaneOf(layout.Format, layout.Width, layout.Height, i);
            int stride = StrideOf(layout, shape, i);
            if (stride < shape.RowBytes)
            {
                return Invalid($"A row of plane {i} of {layout.Format} with {layout.Width}x{layout.Height} pixels takes {shape.RowBytes} bytes, but the stride is {stride}.");
            }

            least = whole + shape.MinimumLength(stride);
            whole += (long)stride * shape.Rows;
        }

        return length < least || length > whole
            ? Invalid($"{layout.Format} with {layout.Width}x{layout.Height} pixels and these strides takes {whole} bytes, but {length} were given.")
            : null;
    }

    /// <param name="data">Checked against <paramref name="layout"/>.</param>
    public static PixelSource Describe(RawLayout layout, ReadOnlySpan<byte> data)
    {
        var (plane0, stride0) = Take(layout, 0, ref data);
        var (plane1, stride1) = Take(layout, 1, ref data);
        var (plane2, stride2) = Take(layout, 2, ref data);
        return new PixelSource(layout.Format, layout.Width, layout.Height, plane0, stride0)
        {
            Plane1 = plane1,
            Stride1 = stride1,
            Plane2 = plane2,
            Stride2 = stride2,
            Matrix = layout.Matrix,
            Range = layout.Range,
        };
    }

    private static Plane Take(RawLayout layout, int index, scoped ref ReadOnlySpan<byte> data)
    {
        var shape = PixelLayout.PlaneOf(layout.Format, layout.Width, layout.Height, index);
        if (shape.Rows == 0)
        {
            return default;
        }

        int stride = StrideOf(layout, shape, index);
        int bytes = (int)Math.Min(data.Length, (long)stride * shape.Rows);
        var plane = new Plane(data[..bytes], stride);
        data = data[bytes..];
        return plane;
    }

    private static int CountPlanes(RawLayout layout)
    {
        int planes = 0;
        while (planes < MostPlanes && PixelLayout.PlaneOf(layout.Format, layout.Width, layout.Height, planes).Rows > 0)
        {
            planes++;
        }

        return planes;
    }

    private static int StrideOf(RawLayout layout, PlaneShape shape, int plane) =>
        layout.Strides.Count == 0 ? shape.RowBytes : layout.Strides[plane];

    private static FrameFailure Invalid(string message) => new(FailureKind.Invalid, message);

    private readonly ref struct Plane(ReadOnlySpan<byte> data, int stride)
    {
        private readonly ReadOnlySpan<byte> _data = data;

        public void Deconstruct(out ReadOnlySpan<byte> bytes, out int rowStride)
        {
            bytes = _data;
            rowStride = stride;
        }
    }
}
