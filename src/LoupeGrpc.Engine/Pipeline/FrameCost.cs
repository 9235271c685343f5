using LoupeGrpc.Engine.Imaging;
using LoupeGrpc.Engine.Tiling;

namespace LoupeGrpc.Engine.Pipeline;

/// <summary>Bytes that a frame holds at its worst moment, counted when it is admitted.</summary>
internal static class FrameCost
{
    private const int DecodedBytesPerPixel = 3;

    // Mask, soft value and component label.
    private const int MaskBytesPerPixel = 1 + 4 + 4;

    public static long Of(FrameInput input, AnalysisRequest request, FrameShape shape, TilePlan? plan)
    {
        int decoded = input is EncodedInput || plan is not null ? DecodedBytesPerPixel : 0;
        int mask = request.MaskPolicy == MaskPolicy.Never ? 0 : MaskBytesPerPixel;

        // The decoded picture is gone before the mask is made. In tiles it stays beside the soft map, which is less than the mask takes in the end.
        long merging = plan is null || mask == 0 ? 0 : TileMerger.BytesOf(shape.Width, plan.Grid.Side);
        int kept = request.Picture ? decoded : 0;
        return input.Data.Length + (shape.Pixels * (Math.Max(decoded, mask) + kept)) + merging;
    }
}
