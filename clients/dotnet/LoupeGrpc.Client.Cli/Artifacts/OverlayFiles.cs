using LoupeGrpc.Client.Cli.CommandLine;
using LoupeGrpc.Client.Masks;
using LoupeGrpc.V1;
using OpenCvSharp;

namespace LoupeGrpc.Client.Cli.Artifacts;

/// <summary>`overlays/NAME.png`: each analysed picture with its mask and verdict.</summary>
internal sealed class OverlayFiles
{
    private readonly Action<string> _notify;

    /// <exception cref="CliException">OpenCV cannot be loaded.</exception>
    public OverlayFiles(string folder, Action<string> notify)
    {
        OpenCvRuntime.EnsureLoaded();
        Folder = folder;
        _notify = notify;
        Directory.CreateDirectory(folder);
    }

    public string Folder { get; }

    public void Save(string stem, LoupeFrame? frame, FrameResult result, BinaryMask? mask)
    {
        using var picture = Open(frame);
        if (picture is null || picture.Empty() || picture.Width != result.Width || picture.Height != result.Height)
        {
            _notify($"no overlay for {stem}: this program cannot decode the picture as the server did");
            return;
        }

        using var overlay = OverlayPainter.Paint(picture, mask, result.Verdict, result.Score);
        var path = Path.Combine(Folder, $"{stem}.png");
        if (!Cv2.ImWrite(path, overlay))
        {
            throw new IOException($"cannot write {path}");
        }
    }

    /// <summary>As the server sees it: stored orientation, 8 bits, no alpha.</summary>
    private static Mat? Open(LoupeFrame? frame) => frame switch
    {
        EncodedFrame file => Cv2.ImDecode(file.Data.Span, ImreadModes.Color | ImreadModes.IgnoreOrientation),
        RawFrame { Format: { } format } raw => Mat.FromPixelData((int)format.Height, (int)format.Width, MatType.CV_8UC3, raw.Data.ToArray()),
        _ => null,
    };
}
