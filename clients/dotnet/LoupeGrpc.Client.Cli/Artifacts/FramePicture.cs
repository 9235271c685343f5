using LoupeGrpc.V1;
using OpenCvSharp;

namespace LoupeGrpc.Client.Cli.Artifacts;

/// <summary>What was sent, as pixels of this program.</summary>
internal static class FramePicture
{
    /// <returns>As the server sees it: stored orientation, BGR of 8 bits, no alpha. Null where this program cannot decode it as the server did. Owned by the caller.</returns>
    public static Mat? Open(LoupeFrame? frame, FrameResult result)
    {
        // Only a damaged picture has lines.
        var picture = result.Notes.Any(static note => note.Code == NoteCode.Damaged) ? DecoderLines.Without(() => Open(frame)) : Open(frame);
        if (picture is not null && !picture.Empty() && picture.Width == result.Width && picture.Height == result.Height)
        {
            return picture;
        }

        picture?.Dispose();
        return null;
    }

    /// <summary>What the server has read; servers before it told are helped out.</summary>
    public static int OrientationOf(LoupeFrame? frame, FrameResult result) =>
        result.Orientation > 0 ? (int)result.Orientation : frame is EncodedFrame file ? PictureOrientation.Of(file.Data.Span) : 1;

    private static Mat? Open(LoupeFrame? frame) => frame switch
    {
        EncodedFrame file => Cv2.ImDecode(PictureOrientation.Cleared(file.Data.Span), ImreadModes.Color | ImreadModes.IgnoreOrientation),
        RawFrame { Format: { PixelFormat: PixelFormat.Bgr24 } format } raw => Mat.FromPixelData((int)format.Height, (int)format.Width, MatType.CV_8UC3, raw.Data.ToArray()),
        _ => null,
    };
}
