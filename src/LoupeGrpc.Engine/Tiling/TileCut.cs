namespace LoupeGrpc.Engine.Tiling;

/// <summary>Cuts tiles out of a picture. What lies right of it and below is mirrored in, without the edge itself, as often as it takes.</summary>
internal static class TileCut
{
    private const int Channels = 3;

    /// <param name="picture">[height, width, 3], rows <paramref name="stride"/> bytes apart.</param>
    /// <param name="tile">[side, side, 3]: is filled.</param>
    public static void Copy(ReadOnlySpan<byte> picture, int width, int height, int stride, TileStart start, int side, Span<byte> tile)
    {
        int inside = Math.Min(side, width - start.X);
        for (int row = 0; row < side; row++)
        {
            var source = picture.Slice(Mirror(start.Y + row, height) * stride, width * Channels);
            var target = tile.Slice(row * side * Channels, side * Channels);
            source.Slice(start.X * Channels, inside * Channels).CopyTo(target);
            for (int column = inside; column < side; column++)
            {
                source.Slice(Mirror(start.X + column, width) * Channels, Channels).CopyTo(target[(column * Channels)..]);
            }
        }
    }

    /// <returns>The index in 0 … <paramref name="length"/> - 1 that one from 0 on falls on.</returns>
    public static int Mirror(int index, int length)
    {
        if (length == 1)
        {
            return 0;
        }

        int period = 2 * (length - 1);
        int within = index % period;
        return within < length ? within : period - within;
    }
}
