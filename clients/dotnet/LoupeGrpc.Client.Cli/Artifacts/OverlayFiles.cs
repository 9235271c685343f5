using LoupeGrpc.Client.Cli.Hosting;
using LoupeGrpc.Client.Masks;
using LoupeGrpc.V1;
using OpenCvSharp;

namespace LoupeGrpc.Client.Cli.Artifacts;

/// <summary>`overlays/NAME.png`: each analysed picture with its mask and verdict.</summary>
internal sealed class OverlayFiles
{
    private readonly ArtifactFolder _folder;
    private readonly bool _sideBySide;
    private readonly Action<string> _notify;

    /// <exception cref="CliException">OpenCV cannot be loaded.</exception>
    /// <exception cref="IOException">Or <see cref="UnauthorizedAccessException"/>: the folder cannot be made.</exception>
    public OverlayFiles(string folder, bool sideBySide, Action<string> notify)
    {
        OpenCvRuntime.EnsureLoaded();
        _folder = new ArtifactFolder(folder);
        _sideBySide = sideBySide;
        _notify = notify;
    }

    public string Folder => _folder.Path;

    public long Written => _folder.Written;

    public string FileOf(string stem) => _folder.FileOf(stem);

    /// <inheritdoc cref="ArtifactFolder.Remove"/>
    public void Remove(string stem) => _folder.Remove(stem);

    /// <returns>The file; null where the picture cannot be shown.</returns>
    /// <exception cref="IOException">It was not written; the message says which and why.</exception>
    public string? Save(string stem, LoupeFrame? frame, FrameResult result, BinaryMask? mask, bool isDemonstration)
    {
        // Only a damaged picture has lines.
        using var picture = result.Notes.Any(static note => note.Code == NoteCode.Damaged) ? DecoderLines.Without(() => Open(frame)) : Open(frame);
        if (picture is null || picture.Empty() || picture.Width != result.Width || picture.Height != result.Height)
        {
            _notify($"no overlay for {stem}: this program cannot decode the picture as the server did");
            Remove(stem);
            return null;
        }

        var style = new OverlayStyle(OrientationOf(frame, result), isDemonstration, _sideBySide);
        using var overlay = OverlayPainter.Paint(picture, mask, result.Verdict, result.Score, style);
        var png = overlay.ImEncode(".png");
        return _folder.Save(stem, stream => stream.Write(png));
    }

    /// <summary>What the server has read; servers before it told are helped out.</summary>
    private static int OrientationOf(LoupeFrame? frame, FrameResult result) =>
        result.Orientation > 0 ? (int)result.Orientation : frame is EncodedFrame file ? PictureOrientation.Of(file.Data.Span) : 1;

    /// <summary>As the server sees it: stored orientation, 8 bits, no alpha.</summary>
    private static Mat? Open(LoupeFrame? frame) => frame switch
    {
        EncodedFrame file => Cv2.ImDecode(PictureOrientation.Cleared(file.Data.Span), ImreadModes.Color | ImreadModes.IgnoreOrientation),
        RawFrame { Format: { } format } raw => Mat.FromPixelData((int)format.Height, (int)format.Width, MatType.CV_8UC3, raw.Data.ToArray()),
        _ => null,
    };
}
