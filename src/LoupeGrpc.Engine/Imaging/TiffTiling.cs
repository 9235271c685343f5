namespace LoupeGrpc.Engine.Imaging;

/// <summary>How a TIFF's samples are cut into tiles or strips, and what decoding those costs: a directory may say anything.</summary>
internal static class TiffTiling
{
    private const ushort HeightOfStripTag = 278;
    private const ushort StripOffsetsTag = 273;
    private const ushort StripBytesTag = 279;
    private const ushort PlanarTag = 284;
    private const ushort TileWidthTag = 322;
    private const ushort TileHeightTag = 323;
    private const ushort TileOffsetsTag = 324;
    private const ushort TileBytesTag = 325;
    private const uint SeparatePlanes = 2;

    // What honest writers waste at the edges of a small picture.
    private const long TileFloor = 4L << 20;
    private const long AllTilesFloor = 16L << 20;
    private const int Waste = 4;

    // Each tile has a price of its own, whatever its size.
    private const int SmallestTile = 64;
    private const int FewTiles = 1 << 16;

    // Some writers store equal tiles once.
    private const int MostSharing = 2;
    private const long SharingFloor = 1 << 20;

    /// <param name="header">Its size is within what any limit allows.</param>
    /// <returns>The header with costs, or with the defect that forbids decoding.</returns>
    public static ImageHeader Measure(ReadOnlySpan<byte> file, TiffDirectory page, ImageHeader header, uint compression, uint samples)
    {
        bool tiled = page.Contains(TileWidthTag) || page.Contains(TileHeightTag);
        long width = tiled ? page.ValueOr(TileWidthTag, 0) : header.Width;
        long height = tiled ? page.ValueOr(TileHeightTag, 0) : Math.Min(page.ValueOr(HeightOfStripTag, uint.MaxValue), header.Height);
        string parts = tiled ? "tiles" : "strips";
        if (width == 0 || height == 0)
        {
            return header with { Defect = $"its {parts} have no pixels ({width}x{height})" };
        }

        long pixels = header.Width * header.Height;
        if (width > int.MaxValue || height > int.MaxValue || width * height > Math.Max(Waste * pixels, TileFloor))
        {
            return header with { Defect = $"its {parts} ({width}x{height} pixels) are far larger than the picture ({header.Width}x{header.Height})" };
        }

        long planes = page.ValueOr(PlanarTag, 1) == SeparatePlanes ? samples : 1;
        long count = DivideUp(header.Width, width) * DivideUp(header.Height, height);
        long coded = count * width * height;
        count *= planes;
        if (coded > (Waste * pixels) + AllTilesFloor || (count > FewTiles && width * height < SmallestTile))
        {
            return header with { Defect = $"{count} {parts} of {width}x{height} pixels make no sense for a picture of {header.Width}x{header.Height}" };
        }

        header = header with { CodedSamples = coded * samples };
        return compression == TiffCompression.None
            ? header
            : MeasureData(file, page, header, compression, count, tiled ? TileOffsetsTag : StripOffsetsTag, tiled ? TileBytesTag : StripBytesTag, parts);
    }

    private static ImageHeader MeasureData(
        ReadOnlySpan<byte> file, TiffDirectory page, ImageHeader header, uint compression, long count, ushort offsetsTag, ushort bytesTag, string parts)
    {
        if (!page.TryGetAll(offsetsTag, out var offsets) || !page.TryGetAll(bytesTag, out var lengths))
        {
            // libtiff would take the rest of the file for each.
            return count == 1 ? header : header with { Defect = $"it does not say where its {count} {parts} are" };
        }

        long total = 0;
        int scans = 1;
        long samples = 0;
        for (long i = 0; i < count && offsets.TryGet(i, out uint offset) && lengths.TryGet(i, out uint length); i++)
        {
            length = (uint)Math.Min(length, Math.Max(0, file.Length - (long)offset));
            total += length;
            if (total > (MostSharing * (long)file.Length) + SharingFloor)
            {
                return header with { Defect = $"its {count} {parts} share their bytes: they claim more than {total} in all, in a file of {file.Length}" };
            }

            if (compression == TiffCompression.Jpeg && length > 0)
            {
                var (scansOfTile, samplesOfTile) = JpegScans.Measure(file.Slice((int)offset, (int)length));
                scans = Math.Max(scans, scansOfTile);
                samples += samplesOfTile;
            }
        }

        return header with { Scans = scans, CodedSamples = Math.Max(header.CodedSamples, samples) };
    }

    private static long DivideUp(long value, long by) => (value + by - 1) / by;
}
