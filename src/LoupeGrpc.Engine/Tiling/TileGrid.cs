namespace LoupeGrpc.Engine.Tiling;

/// <summary>Where the tiles of a picture lie: squares of the model's input in upright, unresized pixels, the next beginning before the last ends.</summary>
/// <param name="Side">S, of a tile.</param>
/// <param name="Step">The most pixels from the start of a tile to that of the next.</param>
/// <param name="Starts">Left top corners, row by row.</param>
internal sealed record TileGrid(int Side, int Step, IReadOnlyList<TileStart> Starts)
{
    /// <summary>Sevenths of a side that a step takes, so that each pixel away from the edges lies well inside some tile.</summary>
    private const double StepSevenths = 5;

    /// <summary>Steps are whole multiples of it.</summary>
    private const int StepUnit = 8;

    /// <summary>Tiles that overlap or, where they are more than <paramref name="maxTiles"/>, those that only touch, which may be more still.</summary>
    /// <param name="side">S, at least 1.</param>
    public static TileGrid Of(int width, int height, int side, int maxTiles)
    {
        var close = Create(width, height, side, StepOf(side));
        return close.Starts.Count > maxTiles ? Create(width, height, side, side) : close;
    }

    /// <returns>5S/7, rounded to eight pixels.</returns>
    public static int StepOf(int side) => Math.Max(1, (int)Math.Round(StepSevenths * side / 7 / StepUnit) * StepUnit);

    /// <returns>Evenly spread starts along an axis; the last tile ends with it, unless the axis is shorter than a tile.</returns>
    public static int[] Axis(int length, int side, int step)
    {
        if (length <= side)
        {
            return [0];
        }

        int last = length - side;
        int count = ((last + step - 1) / step) + 1;
        return [.. Enumerable.Range(0, count).Select(i => (int)Math.Round((double)i * last / (count - 1), MidpointRounding.ToEven))];
    }

    /// <summary>Of more tiles than may be analysed half are spread evenly, and half lie where the whole picture's mask is highest.</summary>
    /// <param name="count">At least 1, less than there are.</param>
    /// <param name="soft">The whole picture's soft map, [height, width].</param>
    /// <returns>Indices into <see cref="Starts"/>, ascending.</returns>
    public int[] Choose(int count, ReadOnlySpan<float> soft, int width, int height)
    {
        int total = Starts.Count;
        int even = count / 2;
        var chosen = new HashSet<int>(Enumerable.Range(0, even).Select(i => (int)(((2L * i) + 1) * total / (2L * even))));
        double[] sums = new double[total];
        for (int i = 0; i < total; i++)
        {
            sums[i] = SumWithin(Starts[i], soft, width, height);
        }

        // A stable sort: of equals the lower index goes first.
        chosen.UnionWith(Enumerable.Range(0, total).Where(index => !chosen.Contains(index)).OrderByDescending(index => sums[index]).Take(count - even).ToList());
        return [.. chosen.Order()];
    }

    private static TileGrid Create(int width, int height, int side, int step)
    {
        int[] columns = Axis(width, side, step);
        return new TileGrid(side, step, [.. Axis(height, side, step).SelectMany(y => columns.Select(x => new TileStart(x, y)))]);
    }

    private double SumWithin(TileStart start, ReadOnlySpan<float> soft, int width, int height)
    {
        double sum = 0;
        int right = Math.Min(start.X + Side, width);
        for (int y = start.Y; y < Math.Min(start.Y + Side, height); y++)
        {
            foreach (float value in soft[((y * width) + start.X)..((y * width) + right)])
            {
                sum += value;
            }
        }

        return sum;
    }
}

/// <summary>Left top corner of a tile, pixels from 0.</summary>
internal readonly record struct TileStart(int X, int Y);
