using LoupeGrpc.Client.Cli.Hosting;
using LoupeGrpc.Client.Masks;
using LoupeGrpc.V1;

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
        using var picture = FramePicture.Open(frame, result);
        if (picture is null)
        {
            _notify($"no overlay for {stem}: this program cannot decode the picture as the server did");
            Remove(stem);
            return null;
        }

        var style = new OverlayStyle(FramePicture.OrientationOf(frame, result), isDemonstration, _sideBySide);
        using var marked = mask?.ToMat();
        using var overlay = OverlayPainter.Paint(picture, marked, result.Verdict, result.Score, style);
        var png = overlay.ImEncode(".png");
        return _folder.Save(stem, stream => stream.Write(png));
    }
}
