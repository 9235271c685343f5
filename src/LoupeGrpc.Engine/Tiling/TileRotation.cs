namespace LoupeGrpc.Engine.Tiling;

/// <summary>
/// Which tiles of a grid each frame of a session shows, so that those of each frame are spread evenly, those of frames one after the other lie apart, and every tile is
/// shown once in a round. With n tiles in C columns and at most k of them a frame, a round has P = ceil(n / k) frames, and t is the first whole number from 0.382 P on
/// (half up, at least 1) that has no factor in common with P; of P = 1 it is 0. Row r is turned by s(r) = r (t - C) mod P, so that the tile of row r and column c has the
/// place q = r C + (c + s(r)) mod C. Frame f shows those with q mod P = f t mod P.
/// </summary>
internal sealed class TileRotation
{
    /// <summary>Of the golden section: multiples of it fill a circle evenly, however many there are.</summary>
    private const double Golden = 0.382;

    private readonly int[] _places;
    private readonly int _stride;

    /// <param name="perFrame">At least 1.</param>
    public TileRotation(TileGrid grid, int perFrame)
    {
        int total = grid.Starts.Count;
        Round = (total + perFrame - 1) / perFrame;
        _stride = StrideOf(Round);
        int columns = grid.Starts.TakeWhile(start => start.Y == grid.Starts[0].Y).Count();
        _places = [.. Enumerable.Range(0, total).Select(tile => PlaceOf(tile / columns, tile % columns, columns))];
    }

    /// <summary>Frames after which every tile was shown once.</summary>
    public int Round { get; }

    /// <param name="frame">From 0.</param>
    /// <returns>Indices of tiles, ascending, at least one.</returns>
    public int[] Of(long frame)
    {
        long phase = frame % Round * _stride % Round;
        return [.. Enumerable.Range(0, _places.Length).Where(tile => _places[tile] % Round == phase)];
    }

    private int PlaceOf(int row, int column, int columns)
    {
        long turn = (long)row * (_stride - columns) % Round;
        turn = turn < 0 ? turn + Round : turn;
        return (row * columns) + (int)((column + turn) % columns);
    }

    private static int StrideOf(int round)
    {
        if (round == 1)
        {
            return 0;
        }

        int stride = Math.Max(1, (int)Math.Floor((Golden * round) + 0.5));
        while (Divisor(stride, round) != 1)
        {
            stride++;
        }

        return stride;
    }

    private static int Divisor(int a, int b) => b == 0 ? a : Divisor(b, a % b);
}
