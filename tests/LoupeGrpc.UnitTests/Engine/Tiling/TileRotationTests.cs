using LoupeGrpc.Engine.Tiling;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine.Tiling;

/// <summary>Which tiles each frame of a session shows: all in a round, none twice, spread over the frame. By an implementation of its own, from the words of the class.</summary>
public sealed class TileRotationTests
{
    private const int Side = 224;

    public static TheoryData<int, int, int> Sizes => new()
    {
        { 1, 1, 1 }, { 1, 1, 9 }, { 225, 224, 1 }, { 1024, 768, 7 }, { 1024, 768, 30 }, { 1024, 768, 31 }, { 1920, 1080, 16 }, { 3840, 2160, 16 }, { 3840, 2160, 1 }, { 300, 9000, 5 },
    };

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Every_tile_is_shown_once_in_a_round_and_no_frame_shows_more_than_it_may(int width, int height, int perFrame)
    {
        var grid = TileGrid.Of(width, height, Side, 256);
        var rotation = new TileRotation(grid, perFrame);

        var round = Enumerable.Range(0, rotation.Round).Select(frame => rotation.Of(frame)).ToList();

        Assert.Equal((int)Math.Ceiling(grid.Starts.Count / (double)perFrame), rotation.Round);
        Assert.All(round, tiles => Assert.InRange(tiles.Length, 1, perFrame));
        Assert.All(round, tiles => Assert.Equal(tiles.Order(), tiles));
        Assert.Equal(Enumerable.Range(0, grid.Starts.Count), round.SelectMany(static tiles => tiles).Order());
        Assert.Equal(round, Enumerable.Range(0, rotation.Round).Select(frame => rotation.Of(frame + (1000L * rotation.Round))));
        Assert.Equal(round, Enumerable.Range(0, rotation.Round).Select(frame => Expected(grid, perFrame, frame)));
    }

    [Theory]
    [InlineData(1920, 1080, 16)]
    [InlineData(3840, 2160, 16)]
    [InlineData(3840, 2160, 40)]
    public void Each_quarter_of_a_frame_is_looked_at_by_every_frame(int width, int height, int perFrame)
    {
        var grid = TileGrid.Of(width, height, Side, 1024);
        var rotation = new TileRotation(grid, perFrame);

        for (int frame = 0; frame < rotation.Round; frame++)
        {
            var shown = rotation.Of(frame).Select(tile => grid.Starts[tile]).ToList();
            Assert.Equal(4, shown.Select(start => (start.X + (Side / 2) > width / 2, start.Y + (Side / 2) > height / 2)).Distinct().Count());
        }
    }

    /// <summary>Two frames one after the other do not show the same neighbourhood: of the raccoon's 6 by 5 tiles, by hand.</summary>
    [Fact]
    public void The_tiles_of_a_small_grid_are_these()
    {
        var rotation = new TileRotation(TileGrid.Of(1024, 768, Side, 256), 7);

        // P = 5, t = 2; the places q are 0…5, then 7 8 9 10 11 6, then 14 15 16 17 12 13, then 21 22 23 18 19 20, then 28 29 24 25 26 27.
        Assert.Equal([0, 5, 9, 13, 23, 27], rotation.Of(0));
        Assert.Equal([2, 6, 15, 16, 19, 29], rotation.Of(1));
    }

    private static IEnumerable<int> Expected(TileGrid grid, int perFrame, int frame)
    {
        int total = grid.Starts.Count;
        int columns = grid.Starts.Select(static start => start.X).Distinct().Count();
        int round = 1;
        while (round * perFrame < total)
        {
            round++;
        }

        int stride = round == 1 ? 0 : Enumerable.Range(1, 2 * round).First(t => t >= Math.Floor((0.382 * round) + 0.5) && !Enumerable.Range(2, round - 1).Any(d => t % d == 0 && round % d == 0));
        for (int tile = 0; tile < total; tile++)
        {
            int row = tile / columns, column = tile % columns;
            int turn = row * (stride - columns);
            while (turn < 0)
            {
                turn += round;
            }

            int place = (row * columns) + ((column + (turn % round)) % columns);
            if (place % round == frame * stride % round)
            {
                yield return tile;
            }
        }
    }
}
