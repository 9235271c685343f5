using OpenCvSharp;

namespace LoupeGrpc.Engine.Tiling;

/// <summary>
/// Merges the soft maps of tiles into that of their picture: the mean of σ(z)·m under Hann windows, 0 where no tile was. Keeps no more than one row of tiles:
/// what lies above the next tile is finished. One thread at a time; the order of the tiles, which is fixed, decides every byte.
/// </summary>
internal sealed class TileMerger : IDisposable
{
    /// <summary>Added to the window, so that the corners of the picture count.</summary>
    private const double LeastWeight = 1e-4;

    private readonly int _width;
    private readonly int _height;
    private readonly int _side;
    private readonly double[] _window;

    // Row y of the picture is row y % side here.
    // Of the size of a picture's width: not pooled, or what a huge picture took would stay.
    private readonly Mat _sums;
    private readonly Mat _weights;
    private int _top;

    public TileMerger(int width, int height, int side)
    {
        (_width, _height, _side) = (width, height, side);
        _window = [.. Enumerable.Range(0, side).Select(i => Math.Pow(Math.Sin(Math.PI * (i + 0.5) / side), 2))];
        _sums = new Mat(side, width, MatType.CV_64FC1, Scalar.All(0));
        _weights = new Mat(side, width, MatType.CV_64FC1, Scalar.All(0));
    }

    /// <summary>Bytes that merging a picture of this width takes.</summary>
    public static long BytesOf(int width, int side) => 2L * sizeof(double) * width * side;

    /// <param name="start">Not above that of the tile before.</param>
    /// <param name="probability">σ(z) of the tile.</param>
    /// <param name="tile">Its soft map, [side, side].</param>
    /// <param name="soft">The picture's, [height, width]: gets the rows that are finished.</param>
    public void Add(TileStart start, double probability, ReadOnlySpan<float> tile, Span<float> soft)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(start.Y, _top);
        FinishTo(start.Y, soft);
        int columns = Math.Min(_side, _width - start.X);
        var allSums = _sums.AsSpan<double>();
        var allWeights = _weights.AsSpan<double>();
        for (int row = 0; row < Math.Min(_side, _height - start.Y); row++)
        {
            int offset = ((start.Y + row) % _side * _width) + start.X;
            var sums = allSums.Slice(offset, columns);
            var weights = allWeights.Slice(offset, columns);
            var values = tile.Slice(row * _side, columns);
            double vertical = _window[row];
            for (int i = 0; i < columns; i++)
            {
                double weight = (vertical * _window[i]) + LeastWeight;
                sums[i] += weight * probability * values[i];
                weights[i] += weight;
            }
        }
    }

    /// <summary>After the last tile.</summary>
    public void Complete(Span<float> soft) => FinishTo(_height, soft);

    public void Dispose()
    {
        _sums.Dispose();
        _weights.Dispose();
    }

    private void FinishTo(int end, Span<float> soft)
    {
        var allSums = _sums.AsSpan<double>();
        var allWeights = _weights.AsSpan<double>();
        for (; _top < end; _top++)
        {
            int offset = _top % _side * _width;
            var sums = allSums.Slice(offset, _width);
            var weights = allWeights.Slice(offset, _width);
            var row = soft.Slice(_top * _width, _width);
            for (int i = 0; i < row.Length; i++)
            {
                row[i] = weights[i] == 0 ? 0 : (float)(sums[i] / weights[i]);
            }

            sums.Clear();
            weights.Clear();
        }
    }
}
