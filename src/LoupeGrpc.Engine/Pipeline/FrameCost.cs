using LoupeGrpc.Engine.Imaging;

namespace LoupeGrpc.Engine.Pipeline;

/// <summary>Bytes that a frame holds at its worst moment, counted when it is admitted.</summary>
internal static class FrameCost
{
    private const int DecodedBytesPerPixel = 3;

    // Mask, soft value and component label.
    private const int MaskBytesPerPixel = 1 + 4 + 4;

    public static long Of(FrameInput input, AnalysisRequest request, FrameShape shape)
    {
        int decoded = input is EncodedInput ? DecodedBytesPerPixel : 0;
        int mask = request.MaskPolicy == MaskPolicy.Never ? 0 : MaskBytesPerPixel;

        // The decoded picture is gone before the mask is made.
        return input.Data.Length + (shape.Pixels * Math.Max(decoded, mask));
    }
}
