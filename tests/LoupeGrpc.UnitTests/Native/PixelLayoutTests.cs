using LoupeGrpc.Native;
using Xunit;

namespace LoupeGrpc.UnitTests.Native;

public sealed class PixelLayoutTests
{
    [Theory]
    [InlineData(PixelFormat.Bgr24, 7, 5, 21, 5, 0, 0, 0, 0)]
    [InlineData(PixelFormat.Rgb24, 7, 5, 21, 5, 0, 0, 0, 0)]
    [InlineData(PixelFormat.Bgra32, 7, 5, 28, 5, 0, 0, 0, 0)]
    [InlineData(PixelFormat.Gray8, 7, 5, 7, 5, 0, 0, 0, 0)]
    [InlineData(PixelFormat.Yuyv, 7, 5, 16, 5, 0, 0, 0, 0)]
    [InlineData(PixelFormat.Nv12, 7, 5, 7, 5, 8, 3, 0, 0)]
    [InlineData(PixelFormat.Nv12, 8, 6, 8, 6, 8, 3, 0, 0)]
    [InlineData(PixelFormat.I420, 7, 5, 7, 5, 4, 3, 4, 3)]
    public void Planes_have_the_sizes_of_their_format(
        PixelFormat format, int width, int height, int row0, int rows0, int row1, int rows1, int row2, int rows2)
    {
        Assert.Equal(new PlaneShape(row0, rows0), PixelLayout.PlaneOf(format, width, height, 0));
        Assert.Equal(new PlaneShape(row1, rows1), PixelLayout.PlaneOf(format, width, height, 1));
        Assert.Equal(new PlaneShape(row2, rows2), PixelLayout.PlaneOf(format, width, height, 2));
    }

    [Theory]
    [InlineData(PixelFormat.Bgr24)]
    [InlineData(PixelFormat.Bgra32)]
    [InlineData(PixelFormat.Gray8)]
    [InlineData(PixelFormat.Yuyv)]
    [InlineData(PixelFormat.Nv12)]
    [InlineData(PixelFormat.I420)]
    public void A_picture_fits_exactly_and_one_byte_less_does_not(PixelFormat format)
    {
        var length = Pictures.DenseLength(format, 7, 5);
        var source = Pictures.Dense(format, 7, 5, new byte[length]);
        Assert.True(PixelLayout.TryValidate(source, out var error), error);
        Assert.Null(error);

        var shortened = new PixelSource
        {
            Format = format,
            Width = 7,
            Height = 5,
            Plane0 = format is PixelFormat.Nv12 or PixelFormat.I420 ? source.Plane0 : source.Plane0[..^1],
            Plane1 = format == PixelFormat.Nv12 ? source.Plane1[..^1] : source.Plane1,
            Plane2 = format == PixelFormat.I420 ? source.Plane2[..^1] : source.Plane2,
            Stride0 = source.Stride0,
            Stride1 = source.Stride1,
            Stride2 = source.Stride2,
        };
        Assert.False(PixelLayout.TryValidate(shortened, out error));
        Assert.Contains("take more", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(PixelFormat.Bgr24, 4, 4, 11, 64, "the stride of plane 0 is 11 bytes, a row of 4 pixels takes 12")]
    [InlineData(PixelFormat.Bgr24, 4, 4, -12, 64, "the stride of plane 0 is -12 bytes")]
    [InlineData(PixelFormat.Bgr24, 4, 4, 12, 0, "plane 0 is missing")]
    [InlineData(PixelFormat.Bgr24, 4, 4, 12, 47, "plane 0 has 47 bytes, 4 rows with a stride of 12 take more")]
    [InlineData(PixelFormat.Bgr24, 4, 4, int.MaxValue, 64, "take more")]
    [InlineData(PixelFormat.Bgr24, 0, 4, 12, 64, "width is 0, must be 1 to 65535")]
    [InlineData(PixelFormat.Bgr24, 4, 65536, 12, 64, "height is 65536, must be 1 to 65535")]
    [InlineData(PixelFormat.Bgr24, 4, int.MinValue, 12, 64, "height is -2147483648")]
    [InlineData(PixelFormat.Nv12, 4, 4, 4, 64, "plane 1 is missing")]
    [InlineData((PixelFormat)99, 4, 4, 12, 64, "pixel format 99 does not exist")]
    [InlineData((PixelFormat)(-1), 4, 4, 12, 64, "pixel format -1 does not exist")]
    public void What_does_not_fit_is_named(PixelFormat format, int width, int height, int stride, int length, string reason)
    {
        var bytes = new byte[length];

        Assert.False(PixelLayout.TryValidate(new PixelSource(format, width, height, bytes, stride), out var error));

        Assert.Contains(reason, error, StringComparison.Ordinal);
        using var preprocessor = new Preprocessor(8);
        var exception = Assert.Throws<NativeException>(
            () => preprocessor.ToNchw(new PixelSource(format, width, height, bytes, stride), new float[3 * 8 * 8]));
        Assert.Equal(NativeStatus.InvalidArgument, exception.Status);
        Assert.Equal(error, exception.Message);
    }

    [Fact]
    public void A_matrix_or_range_that_does_not_exist_is_refused_where_it_matters()
    {
        var bytes = new byte[16];
        Assert.False(PixelLayout.TryValidate(Pictures.Dense(PixelFormat.Yuyv, 2, 2, bytes, (YuvMatrix)2), out var error));
        Assert.Contains("YUV matrix 2", error, StringComparison.Ordinal);
        Assert.False(PixelLayout.TryValidate(Pictures.Dense(PixelFormat.Yuyv, 2, 2, bytes, range: (YuvRange)(-1)), out error));
        Assert.Contains("YUV range -1", error, StringComparison.Ordinal);
        Assert.True(PixelLayout.TryValidate(Pictures.Dense(PixelFormat.Gray8, 2, 2, bytes, (YuvMatrix)2), out error), error);
    }
}
