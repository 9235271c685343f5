using System.Text;
using LoupeGrpc.Native;

namespace LoupeGrpc.TestSupport;

/// <summary>How masks compare with the reference.</summary>
public static class GoldenMask
{
    /// <summary>Of the pixels of a picture that may differ whatever the overlap: small masks lose much of it by a single pixel.</summary>
    private const double NegligiblePart = 1e-4;

    /// <summary>Overlap of two masks as COCO counts, 0 to 1; two empty ones agree.</summary>
    public static double Iou(string expectedCounts, ReadOnlySpan<byte> actualCounts, int width, int height)
    {
        byte[] expected = Encoding.ASCII.GetBytes(expectedCounts);
        return RunLength.Area(expected, height, width) == 0 && RunLength.Area(actualCounts, height, width) == 0
            ? 1
            : RunLength.Iou(expected, actualCounts, height, width);
    }

    /// <returns>Why the masks do not agree, or null: both are empty, they overlap enough, or next to no pixel differs.</returns>
    public static string? Compare(string expectedCounts, ReadOnlySpan<byte> actualCounts, int width, int height, double leastIou = 0.999)
    {
        byte[] expected = Encoding.ASCII.GetBytes(expectedCounts);
        long expectedArea = RunLength.Area(expected, height, width);
        long actualArea = RunLength.Area(actualCounts, height, width);
        if (expectedArea == 0 && actualArea == 0)
        {
            return null;
        }

        double iou = RunLength.Iou(expected, actualCounts, height, width);
        byte[] both = RunLength.Merge(expected, actualCounts, height, width, MaskOperation.Intersection);
        long different = expectedArea + actualArea - (2 * RunLength.Area(both, height, width));
        return iou >= leastIou || different <= NegligiblePart * width * height
            ? null
            : $"{actualArea} forged pixels instead of {expectedArea}, IoU {iou}, {different} differ";
    }
}
