using LoupeGrpc.Native;

namespace LoupeGrpc.UnitTests.Engine.Adaptation;

/// <summary>IoU of forged frames with their pixels pooled, as the challenge counts: frames whose truth is empty do not enter.</summary>
internal sealed class ForgedArea(int width, int height)
{
    private long _intersection;
    private long _union;

    public double Iou => _union == 0 ? 1 : (double)_intersection / _union;

    public void Add(byte[] truth, byte[] mask)
    {
        long truthArea = RunLength.Area(truth, height, width);
        if (truthArea == 0)
        {
            return;
        }

        _intersection += RunLength.Area(RunLength.Merge(truth, mask, height, width, MaskOperation.Intersection), height, width);
        _union += RunLength.Area(RunLength.Merge(truth, mask, height, width, MaskOperation.Union), height, width);
    }
}
