using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Masks;
using OpenCvSharp;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine.Masks;

public sealed class RegionFinderTests
{
    private const int Side = 100;

    [Fact]
    public void Diagonal_neighbours_are_one_region()
    {
        byte[] mask = new byte[Side * Side];
        float[] soft = new float[Side * Side];
        for (int i = 10; i < 20; i++)
        {
            mask[(i * Side) + i] = 1;
            soft[(i * Side) + i] = 0.5f + (0.01f * i);
        }

        var region = Assert.Single(Find(mask, soft, Side));

        Assert.Equal((10, 10, 10, 10, 10L), (region.X, region.Y, region.Width, region.Height, region.Area));
        Assert.Equal(0.645f, region.Mean, 1e-6f);
    }

    [Fact]
    public void Specks_below_a_twentieth_of_a_percent_are_left_out()
    {
        byte[] mask = new byte[Side * Side];
        Fill(mask, 0, 0, 4, 1);
        Fill(mask, 50, 50, 5, 1);

        var region = Assert.Single(Find(mask, new float[mask.Length], Side));

        Assert.Equal((50, 50, 5L), (region.X, region.Y, region.Area));
    }

    [Fact]
    public void The_largest_come_first_and_no_more_than_32()
    {
        byte[] mask = new byte[Side * Side];
        for (int i = 0; i < 40; i++)
        {
            // Areas 6 to 45, two rows apart, wrapped over two columns of the picture.
            Fill(mask, (i % 2) * 50, (i / 2) * 4, 6 + i, 1);
        }

        var regions = Find(mask, new float[mask.Length], Side);

        Assert.Equal(RegionFinder.MostRegions, regions.Count);
        Assert.Equal(Enumerable.Range(0, 32).Select(static i => 45L - i), regions.Select(static region => region.Area));
    }

    [Fact]
    public void Regions_of_one_size_keep_the_order_of_reading()
    {
        byte[] mask = new byte[Side * Side];
        Fill(mask, 70, 5, 6, 2);
        Fill(mask, 3, 40, 6, 2);
        Fill(mask, 60, 40, 6, 2);

        var regions = Find(mask, new float[mask.Length], Side);

        Assert.Equal([(70, 5), (3, 40), (60, 40)], regions.Select(static region => (region.X, region.Y)));
    }

    [Fact]
    public void A_mean_may_exceed_one_and_belongs_to_its_region_alone()
    {
        byte[] mask = new byte[Side * Side];
        float[] soft = new float[Side * Side];
        Fill(mask, 0, 0, 10, 10);
        Fill(mask, 50, 50, 10, 5);
        Array.Fill(soft, 1.5f, 0, 50 * Side);
        Array.Fill(soft, 0.75f, 50 * Side, 50 * Side);

        Assert.Equal([1.5f, 0.75f], Find(mask, soft, Side).Select(static region => region.Mean));
    }

    [Fact]
    public void A_single_pixel_may_be_the_whole_picture() =>
        Assert.Equal([new MaskRegion(0, 0, 1, 1, 1, 0.9f)], Find([1], [0.9f], 1));

    /// <summary>Parts that fork, meet again, wind around each other and end at edges: as OpenCV's labels have them.</summary>
    /// <param name="step">Pixels of one value side by side, in rows and in columns.</param>
    [Theory]
    [InlineData(1, 1, 1, 0.5)]
    [InlineData(1, 57, 1, 0.7)]
    [InlineData(57, 1, 1, 0.7)]
    [InlineData(63, 41, 1, 0.3)]
    [InlineData(64, 40, 1, 0.42)]
    [InlineData(61, 43, 1, 0.6)]
    [InlineData(200, 150, 3, 0.4)]
    [InlineData(199, 151, 5, 0.5)]
    [InlineData(320, 7, 2, 0.35)]
    public void Parts_are_those_of_OpenCV(int width, int height, int step, double share)
    {
        for (int seed = 0; seed < 20; seed++)
        {
            var random = new Random(seed);
            bool[] blocks = [.. Enumerable.Range(0, width * height).Select(_ => random.NextDouble() < share)];
            byte[] mask = [.. Enumerable.Range(0, width * height).Select(i => blocks[(i / width / step * width) + (i % width / step)] ? (byte)random.Next(1, 256) : (byte)0)];
            float[] soft = [.. mask.Select(_ => random.NextSingle() * 1.2f)];

            var parts = ConnectedParts.Find(mask, soft, width, 1);

            Assert.Equal(
                Reference(mask, soft, width, height),
                parts.OrderBy(static part => part.First).Select(static part => (part.First, part.Left, part.Top, part.Right, part.Bottom, part.Area, Math.Round(part.Sum, 6))));
        }
    }

    private static List<(long First, int Left, int Top, int Right, int Bottom, long Area, double Sum)> Reference(byte[] mask, float[] soft, int width, int height)
    {
        using var maskMat = Mat.FromPixelData(height, width, MatType.CV_8UC1, mask);
        using var labels = new Mat();
        int count = Cv2.ConnectedComponents(maskMat, labels, PixelConnectivity.Connectivity8, MatType.CV_32S);
        var label = labels.AsSpan<int>().ToArray();
        return Enumerable.Range(0, mask.Length).Where(i => label[i] > 0).GroupBy(i => label[i])
            .Select(part => ((long)part.Min(), part.Min(i => i % width), part.Min() / width, part.Max(i => i % width), part.Max() / width, (long)part.Count(), Math.Round(part.Sum(i => (double)soft[i]), 6)))
            .OrderBy(static part => part.Item1)
            .ToList();
    }

    private static IReadOnlyList<MaskRegion> Find(byte[] mask, float[] soft, int side) => RegionFinder.Find(mask, soft, side);

    private static void Fill(byte[] mask, int x, int y, int width, int height)
    {
        for (int row = y; row < y + height; row++)
        {
            mask.AsSpan((row * Side) + x, width).Fill(1);
        }
    }
}
