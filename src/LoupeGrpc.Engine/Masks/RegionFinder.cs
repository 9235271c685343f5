using System.Buffers;
using OpenCvSharp;

namespace LoupeGrpc.Engine.Masks;

/// <summary>The parts of a mask that are worth a look.</summary>
internal static class RegionFinder
{
    /// <summary>Parts that are named; further ones are specks beside them.</summary>
    public const int MostRegions = 32;

    // 0.05 % of the picture.
    private const int LeastAreaDivisor = 2000;

    /// <param name="mask">[height, width] of bytes, not 0 where forged.</param>
    /// <param name="soft">The soft map: [height, width] of floats.</param>
    /// <returns>8-connected parts of at least 0.05 % of the picture, the largest first, at most <see cref="MostRegions"/>.</returns>
    public static IReadOnlyList<MaskRegion> Find(Mat mask, Mat soft)
    {
        using var labels = new Mat();
        using var stats = new Mat();
        using var centroids = new Mat();
        int count = Cv2.ConnectedComponentsWithStats(mask, labels, stats, centroids, PixelConnectivity.Connectivity8, MatType.CV_32S);

        var parts = SelectLargest(stats, count, mask.Total());
        if (parts.Count == 0)
        {
            return [];
        }

        Span<double> sums = stackalloc double[parts.Count];
        SumSoftValues(labels.AsSpan<int>(), soft.AsSpan<float>(), parts, count, sums);
        var regions = new MaskRegion[parts.Count];
        for (int i = 0; i < regions.Length; i++)
        {
            var part = parts[i];
            regions[i] = new MaskRegion(part.X, part.Y, part.Width, part.Height, part.Area, (float)(sums[i] / part.Area));
        }

        return regions;
    }

    private static List<Part> SelectLargest(Mat stats, int count, long pixels)
    {
        const int Columns = 5;

        var rows = stats.AsSpan<int>();
        var parts = new List<Part>();

        // Label 0 is the background.
        for (int label = 1; label < count; label++)
        {
            var row = rows.Slice(label * Columns, Columns);
            long area = row[(int)ConnectedComponentsTypes.Area];
            if (area * LeastAreaDivisor >= pixels)
            {
                parts.Add(new Part(
                    label,
                    row[(int)ConnectedComponentsTypes.Left],
                    row[(int)ConnectedComponentsTypes.Top],
                    row[(int)ConnectedComponentsTypes.Width],
                    row[(int)ConnectedComponentsTypes.Height],
                    area));
            }
        }

        // Labels follow the order of the rows, so that parts of one size keep it.
        parts.Sort(static (a, b) => a.Area != b.Area ? b.Area.CompareTo(a.Area) : a.Label.CompareTo(b.Label));
        if (parts.Count > MostRegions)
        {
            parts.RemoveRange(MostRegions, parts.Count - MostRegions);
        }

        return parts;
    }

    private static void SumSoftValues(ReadOnlySpan<int> labels, ReadOnlySpan<float> soft, List<Part> parts, int count, Span<double> sums)
    {
        const sbyte NotSelected = -1;

        sbyte[] rented = ArrayPool<sbyte>.Shared.Rent(count);
        var indexOfLabel = rented.AsSpan(0, count);
        indexOfLabel.Fill(NotSelected);
        for (int i = 0; i < parts.Count; i++)
        {
            indexOfLabel[parts[i].Label] = (sbyte)i;
        }

        for (int i = 0; i < labels.Length; i++)
        {
            int index = indexOfLabel[labels[i]];
            if (index >= 0)
            {
                sums[index] += soft[i];
            }
        }

        ArrayPool<sbyte>.Shared.Return(rented);
    }

    private readonly record struct Part(int Label, int X, int Y, int Width, int Height, long Area);
}
