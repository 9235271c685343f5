using System.Text.Json;
using LoupeGrpc.Engine.Tiling;
using LoupeGrpc.TestSupport;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine.Tiling;

/// <summary>Where tiles lie and what their logits make together, against the reference.</summary>
public sealed class TileGridTests
{
    private const int Side = 224;

    private static readonly Dictionary<string, (int Width, int Height)> Sizes = new()
    {
        ["raccoon-noise.png"] = (1024, 768),
        ["strip-900x112.png"] = (900, 112),
        ["small-130x90.png"] = (130, 90),
        ["narrow-225x224.png"] = (225, 224),
        ["pixel-1x1.png"] = (1, 1),
    };

    public static TheoryData<string> Cases => [.. Expected().EnumerateObject().Select(static entry => entry.Name)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Tiles_lie_where_the_reference_has_them(string name)
    {
        var expected = Expected().GetProperty(name);
        var (width, height) = Sizes[expected.GetProperty("image").GetString()!];
        int maxTiles = expected.GetProperty("settings").GetProperty("max_tiles").GetInt32();

        var grid = TileGrid.Of(width, height, Side, maxTiles);

        Assert.Equal(expected.GetProperty("step").GetInt32(), grid.Step);
        Assert.Equal(expected.GetProperty("total").GetInt32(), grid.Starts.Count);
        Assert.Equal(expected.GetProperty("whole_picture_run").GetBoolean(), grid.Starts.Count > maxTiles);
        var tiles = expected.GetProperty("tiles").EnumerateArray().Select(static tile => new TileStart(tile[0].GetInt32(), tile[1].GetInt32())).ToList();
        if (grid.Starts.Count <= maxTiles)
        {
            Assert.Equal(tiles, grid.Starts);
        }
        else
        {
            // Which half lies where the mask is highest the engine's tests show.
            Assert.Equal(maxTiles, tiles.Count);
            Assert.Subset(grid.Starts.ToHashSet(), tiles.ToHashSet());
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Logits_make_the_score_of_the_reference(string name)
    {
        var expected = Expected().GetProperty(name);
        double[] logits = [.. expected.GetProperty("logits").EnumerateArray().Select(static logit => TileScores.Clip(logit.GetSingle()))];

        Assert.Equal(expected.GetProperty("score").GetDouble(), TileScores.Sigmoid(TileScores.Pool(logits) - expected.GetProperty("settings").GetProperty("bias").GetDouble()), 1e-6);
        Assert.Equal(expected.GetProperty("peak").GetProperty("score").GetDouble(), TileScores.Sigmoid(logits.Max()), 1e-6);
    }

    [Theory]
    [InlineData(224, 160)]
    [InlineData(336, 240)]
    [InlineData(448, 320)]
    public void Steps_are_five_sevenths_of_a_side(int side, int step) => Assert.Equal(step, TileGrid.StepOf(side));

    [Theory]
    [InlineData(1)]
    [InlineData(224)]
    [InlineData(225)]
    [InlineData(383)]
    [InlineData(384)]
    [InlineData(385)]
    [InlineData(16_384)]
    public void An_axis_is_covered_without_gaps_and_to_its_end(int length)
    {
        int[] starts = TileGrid.Axis(length, Side, 160);

        Assert.Equal(0, starts[0]);
        Assert.Equal(Math.Max(0, length - Side), starts[^1]);
        for (int i = 1; i < starts.Length; i++)
        {
            Assert.InRange(starts[i] - starts[i - 1], 1, 160);
        }
    }

    [Fact]
    public void Of_too_many_tiles_half_are_spread_and_half_lie_where_the_mask_is()
    {
        var grid = TileGrid.Of(40, 10, side: 10, maxTiles: 3);
        Assert.Equal([new(0, 0), new(10, 0), new(20, 0), new(30, 0)], grid.Starts);
        float[] soft = new float[400];
        soft[25] = 1;

        // k = 1: index 4 / 2 = 2, which holds the mask; of the rest, which are equal, the first.
        Assert.Equal([0, 2], grid.Choose(2, soft, 40, 10));

        soft[35] = 0.5f;
        Assert.Equal([2, 3], grid.Choose(2, soft, 40, 10));
        Assert.Equal([0, 2, 3], grid.Choose(3, soft, 40, 10));
        Assert.Equal([2], grid.Choose(1, soft, 40, 10));
    }

    [Theory]
    [InlineData(1, new[] { 0, 0, 0, 0, 0, 0 })]
    [InlineData(2, new[] { 0, 1, 0, 1, 0, 1 })]
    [InlineData(3, new[] { 0, 1, 2, 1, 0, 1 })]
    [InlineData(6, new[] { 0, 1, 2, 3, 4, 5 })]
    public void What_lies_beyond_an_edge_is_mirrored_without_it(int length, int[] expected) =>
        Assert.Equal(expected, Enumerable.Range(0, 6).Select(index => TileCut.Mirror(index, length)));

    [Fact]
    public void A_tile_is_cut_with_what_is_mirrored_in()
    {
        // Two rows of three pixels, each of its number, and a row's padding.
        byte[] picture = [0, 0, 0, 1, 1, 1, 2, 2, 2, 99, 3, 3, 3, 4, 4, 4, 5, 5, 5, 99];
        byte[] tile = new byte[4 * 4 * 3];

        TileCut.Copy(picture, 3, 2, stride: 10, new TileStart(0, 0), side: 4, tile);

        byte[] firsts = [.. Enumerable.Range(0, 16).Select(pixel => tile[pixel * 3])];
        Assert.Equal([0, 1, 2, 1, 3, 4, 5, 4, 0, 1, 2, 1, 3, 4, 5, 4], firsts);
        Assert.All(Enumerable.Range(0, 16), pixel => Assert.Single(tile.AsSpan(pixel * 3, 3).ToArray().Distinct()));
    }

    internal static JsonElement Expected() => JsonDocument.Parse(File.ReadAllBytes(TestData.Golden("tiles", "expected.json"))).RootElement;
}
