namespace LoupeGrpc.Engine.Masks;

/// <summary>The parts of a mask that are worth a look.</summary>
internal static class RegionFinder
{
    /// <summary>Parts that are named; further ones are specks beside them.</summary>
    public const int MostRegions = 32;

    // 0.05 % of the picture.
    private const int LeastAreaDivisor = 2000;

    /// <param name="mask">[height, width], not 0 where forged.</param>
    /// <param name="soft">The soft map: [height, width].</param>
    /// <returns>8-connected parts of at least 0.05 % of the picture, the largest first, those of one size in the order of reading; at most <see cref="MostRegions"/>.</returns>
    public static IReadOnlyList<MaskRegion> Find(ReadOnlySpan<byte> mask, ReadOnlySpan<float> soft, int width)
    {
        long leastArea = Math.Max(1, ((long)mask.Length + LeastAreaDivisor - 1) / LeastAreaDivisor);
        var parts = ConnectedParts.Find(mask, soft, width, leastArea);
        parts.Sort(static (a, b) => a.Area != b.Area ? b.Area.CompareTo(a.Area) : a.First.CompareTo(b.First));
        var regions = new MaskRegion[Math.Min(parts.Count, MostRegions)];
        for (int i = 0; i < regions.Length; i++)
        {
            var part = parts[i];
            regions[i] = new MaskRegion(part.Left, part.Top, part.Right - part.Left + 1, part.Bottom - part.Top + 1, part.Area, (float)(part.Sum / part.Area));
        }

        return regions;
    }
}
