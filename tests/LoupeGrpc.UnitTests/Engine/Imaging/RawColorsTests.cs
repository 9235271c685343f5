using LoupeGrpc.Engine.Imaging;
using LoupeGrpc.Native;
using LoupeGrpc.UnitTests.Native;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine.Imaging;

/// <summary>Raw pixels in colour are the bytes that the preprocessor has of them, which is tested against the formula itself.</summary>
public sealed class RawColorsTests
{
    public static TheoryData<PixelFormat, YuvMatrix, YuvRange, int> Formats
    {
        get
        {
            var data = new TheoryData<PixelFormat, YuvMatrix, YuvRange, int>();
            foreach (int side in (int[])[1, 2, 7, 64])
            {
                foreach (var format in Enum.GetValues<PixelFormat>())
                {
                    foreach (var matrix in Enum.GetValues<YuvMatrix>())
                    {
                        data.Add(format, matrix, YuvRange.Limited, side);
                        data.Add(format, matrix, YuvRange.Full, side);
                    }
                }
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void They_are_those_of_the_preprocessor(PixelFormat format, YuvMatrix matrix, YuvRange range, int side)
    {
        byte[] bytes = Pictures.Noise(Pictures.DenseLength(format, side, side), side);
        var source = Pictures.Dense(format, side, side, bytes, matrix, range);
        using var preprocessor = new Preprocessor(side);
        byte[] expected = new byte[3 * side * side];
        preprocessor.ToChwBytes(source, expected);

        using var picture = RawColors.ToBgr(source);

        byte[] bgr = Pictures.BytesOf(picture);
        for (int i = 0; i < side * side; i++)
        {
            (bgr[3 * i], bgr[(3 * i) + 2]) = (bgr[(3 * i) + 2], bgr[3 * i]);
        }

        Assert.Equal(expected, Pictures.ToChannels(bgr));
    }

    [Fact]
    public void Padding_between_rows_is_passed_over()
    {
        byte[] padded = [1, 2, 3, 9, 9, 4, 5, 6, 9, 9];

        using var picture = RawColors.ToBgr(new PixelSource(PixelFormat.Rgb24, 1, 2, padded, 5));

        Assert.Equal([3, 2, 1, 6, 5, 4], Pictures.BytesOf(picture));
    }
}
