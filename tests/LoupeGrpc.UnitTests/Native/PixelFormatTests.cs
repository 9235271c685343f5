using LoupeGrpc.Native;
using OpenCvSharp;
using Xunit;

namespace LoupeGrpc.UnitTests.Native;

/// <summary>Conversion to RGB, seen through a preprocessor of the picture's own size, which then resizes nothing.</summary>
public sealed class PixelFormatTests
{
    private const int Side = 96;

    [Theory]
    [InlineData(PixelFormat.Nv12, ColorConversionCodes.YUV2RGB_NV12)]
    [InlineData(PixelFormat.I420, ColorConversionCodes.YUV2RGB_I420)]
    [InlineData(PixelFormat.Yuyv, ColorConversionCodes.YUV2RGB_YUYV)]
    public void Bt601_limited_is_what_OpenCV_computes(PixelFormat format, ColorConversionCodes code)
    {
        var bytes = Pictures.Noise(Pictures.DenseLength(format, Side, Side), 1);
        using var yuv = format == PixelFormat.Yuyv
            ? Mat.FromPixelData(Side, Side, MatType.CV_8UC2, bytes)
            : Mat.FromPixelData(Side * 3 / 2, Side, MatType.CV_8UC1, bytes);
        using var rgb = yuv.CvtColor(code);

        Assert.Equal(Pictures.ToChannels(Pictures.BytesOf(rgb)), Convert(Pictures.Dense(format, Side, Side, bytes)));
    }

    [Theory]
    [InlineData(YuvMatrix.Bt601, YuvRange.Limited, 1.164, 1.596, 0.391, 0.813, 2.018)]
    [InlineData(YuvMatrix.Bt601, YuvRange.Full, 1, 1.402, 0.344136, 0.714136, 1.772)]
    [InlineData(YuvMatrix.Bt709, YuvRange.Limited, 1.164384, 1.792741, 0.213249, 0.532909, 2.112402)]
    [InlineData(YuvMatrix.Bt709, YuvRange.Full, 1, 1.5748, 0.187324, 0.468124, 1.8556)]
    public void Each_matrix_and_range_is_the_standards(
        YuvMatrix matrix, YuvRange range, double luma, double redV, double greenU, double greenV, double blueU)
    {
        var bytes = Pictures.Noise(Pictures.DenseLength(PixelFormat.Yuyv, Side, Side), 2);

        var rgb = Convert(Pictures.Dense(PixelFormat.Yuyv, Side, Side, bytes, matrix, range));

        for (var i = 0; i < Side * Side; i++)
        {
            var group = bytes.AsSpan(i / 2 * 4, 4);
            var l = luma * Math.Max(0, group[i % 2 * 2] - (range == YuvRange.Limited ? 16 : 0));
            var (u, v) = (group[1] - 128, group[3] - 128);
            // The integers may round the other way, never by more.
            Assert.InRange(rgb[i] - Math.Clamp(l + (redV * v), 0, 255), -0.501, 0.501);
            Assert.InRange(rgb[(Side * Side) + i] - Math.Clamp(l - (greenU * u) - (greenV * v), 0, 255), -0.501, 0.501);
            Assert.InRange(rgb[(2 * Side * Side) + i] - Math.Clamp(l + (blueU * u), 0, 255), -0.501, 0.501);
        }
    }

    [Theory]
    [InlineData(97)]
    [InlineData(1)]
    [InlineData(130)]
    public void Every_format_gives_the_pixels_it_holds_at_odd_sizes_and_with_gaps(int side)
    {
        var rgb = Pictures.Noise(side * side * 3, side);
        var expected = Pictures.ToChannels(rgb);

        // Gaps hold what must not be read as pixels.
        var stride = (side * 4) + 5;
        var (rgbRows, bgrRows, bgraRows) = (Pictures.Noise(stride * side, 4), Pictures.Noise(stride * side, 5), Pictures.Noise(stride * side, 6));
        for (var i = 0; i < side * side; i++)
        {
            var (y, x) = (i / side, i % side);
            for (var channel = 0; channel < 3; channel++)
            {
                rgbRows[(y * stride) + (x * 3) + channel] = rgb[(i * 3) + channel];
                bgrRows[(y * stride) + (x * 3) + 2 - channel] = rgb[(i * 3) + channel];
                bgraRows[(y * stride) + (x * 4) + 2 - channel] = rgb[(i * 3) + channel];
            }
        }

        Assert.Equal(expected, Convert(new PixelSource(PixelFormat.Rgb24, side, side, rgbRows, stride)));
        Assert.Equal(expected, Convert(new PixelSource(PixelFormat.Bgr24, side, side, bgrRows, stride)));
        Assert.Equal(expected, Convert(new PixelSource(PixelFormat.Bgra32, side, side, bgraRows, stride)));
    }

    [Theory]
    [InlineData(5, 3)]
    [InlineData(97, 131)]
    public void Odd_sizes_of_the_subsampled_formats_use_the_last_chroma_once(int width, int height)
    {
        // I420 and NV12 of the same samples, and the even picture that contains them, agree.
        var (chromaWidth, chromaHeight) = ((width + 1) / 2, (height + 1) / 2);
        var luma = Pictures.Noise(chromaWidth * 2 * chromaHeight * 2, 1);
        var (u, v) = (Pictures.Noise(chromaWidth * chromaHeight, 2), Pictures.Noise(chromaWidth * chromaHeight, 3));
        var uv = u.Zip(v, (a, b) => new[] { a, b }).SelectMany(pair => pair).ToArray();
        using var rgb = new Mat();
        using var yuv = Mat.FromPixelData(chromaHeight * 3, chromaWidth * 2, MatType.CV_8UC1, (byte[])[.. luma, .. uv]);
        Cv2.CvtColor(yuv, rgb, ColorConversionCodes.YUV2RGB_NV12);
        using var cut = rgb[0, height, 0, width].Clone();

        var resized = new byte[3 * 64 * 64];
        using var preprocessor = new Preprocessor(64);
        preprocessor.ToChwBytes(new PixelSource(PixelFormat.Rgb24, width, height, Pictures.BytesOf(cut), width * 3), resized);
        var actual = new byte[resized.Length];
        preprocessor.ToChwBytes(
            new PixelSource
            {
                Format = PixelFormat.Nv12,
                Width = width,
                Height = height,
                Plane0 = luma,
                Stride0 = chromaWidth * 2,
                Plane1 = uv,
                Stride1 = chromaWidth * 2,
            },
            actual);
        Assert.Equal(resized, actual);
        preprocessor.ToChwBytes(
            new PixelSource
            {
                Format = PixelFormat.I420,
                Width = width,
                Height = height,
                Plane0 = luma,
                Stride0 = chromaWidth * 2,
                Plane1 = u,
                Stride1 = chromaWidth,
                Plane2 = v,
                Stride2 = chromaWidth,
            },
            actual);
        Assert.Equal(resized, actual);
    }

    [Fact]
    public void Gray_is_the_same_as_its_three_equal_channels()
    {
        var gray = Pictures.Noise(53 * 37, 9);
        var rgb = gray.SelectMany(value => new[] { value, value, value }).ToArray();
        var (fromGray, fromRgb) = (new float[3 * 40 * 40], new float[3 * 40 * 40]);
        using var preprocessor = new Preprocessor(40, [0.1f, 0.2f, 0.3f], [0.4f, 0.5f, 0.6f]);

        preprocessor.ToNchw(new PixelSource(PixelFormat.Gray8, 53, 37, gray, 53), fromGray);
        preprocessor.ToNchw(new PixelSource(PixelFormat.Rgb24, 53, 37, rgb, 53 * 3), fromRgb);

        Assert.Equal(fromRgb, fromGray);
    }

    private static byte[] Convert(in PixelSource source)
    {
        Assert.Equal(source.Width, source.Height);
        using var preprocessor = new Preprocessor(source.Width);
        var rgb = new byte[3 * source.Width * source.Height];
        preprocessor.ToChwBytes(source, rgb);
        return rgb;
    }
}
