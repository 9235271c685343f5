using LoupeGrpc.Engine.Tiling;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine.Tiling;

/// <summary>One map from those of many tiles, a row of tiles at a time.</summary>
public sealed class TileMergerTests
{
    private const int Side = 16;

    [Theory]
    [InlineData(50, 70, 1)]
    [InlineData(50, 70, 3)]
    [InlineData(16, 16, 1)]
    [InlineData(5, 40, 1)]
    [InlineData(1, 1, 1)]
    public void Merges_as_the_formula_says(int width, int height, int each)
    {
        var random = new Random(7);
        var starts = TileGrid.Of(width, height, Side, int.MaxValue).Starts.Where((_, index) => index % each == 0).ToList();
        double[] sums = new double[width * height], weights = new double[width * height];
        float[] soft = new float[width * height];
        Array.Fill(soft, float.NaN);
        using var merger = new TileMerger(width, height, Side);
        foreach (var start in starts)
        {
            double probability = random.NextDouble();
            float[] tile = [.. Enumerable.Range(0, Side * Side).Select(_ => random.NextSingle())];
            merger.Add(start, probability, tile, soft);
            for (int y = 0; y < Math.Min(Side, height - start.Y); y++)
            {
                for (int x = 0; x < Math.Min(Side, width - start.X); x++)
                {
                    double weight = (Math.Pow(Math.Sin(Math.PI * (y + 0.5) / Side), 2) * Math.Pow(Math.Sin(Math.PI * (x + 0.5) / Side), 2)) + 1e-4;
                    int pixel = ((start.Y + y) * width) + start.X + x;
                    sums[pixel] += weight * probability * tile[(y * Side) + x];
                    weights[pixel] += weight;
                }
            }
        }

        merger.Complete(soft);

        Assert.Equal(sums.Select((sum, pixel) => weights[pixel] == 0 ? 0 : (float)(sum / weights[pixel])), soft);
        Assert.Equal(each > 1, weights.Contains(0));
    }

    [Fact]
    public void Tiles_come_from_top_to_bottom()
    {
        using var merger = new TileMerger(20, 40, Side);
        float[] tile = new float[Side * Side], soft = new float[800];
        merger.Add(new TileStart(0, 10), 1, tile, soft);

        Assert.Throws<ArgumentOutOfRangeException>(() => merger.Add(new TileStart(0, 9), 1, tile, soft));
    }
}
