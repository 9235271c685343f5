using System.Globalization;
using LoupeGrpc.Client.Masks;
using LoupeGrpc.V1;

namespace LoupeGrpc.Client.Cli.Artifacts;

/// <summary>
/// The output form of Loupe's authors: `predictions.txt` with a line `NAME,SCORE` a picture, and `masks/NAME` as PNG.
/// Masks are lossless, so that of `a.jpg` is `masks/a.png`.
/// </summary>
internal sealed class LoupeExport : IDisposable
{
    private readonly StreamWriter _predictions;
    private readonly MaskFiles _masks;

    public LoupeExport(string folder)
    {
        Folder = folder;
        _masks = new MaskFiles(Path.Combine(folder, "masks"));
        _predictions = new StreamWriter(Path.Combine(folder, "predictions.txt")) { NewLine = "\n" };
    }

    public string Folder { get; }

    public void Save(string stem, string extension, FrameResult result, BinaryMask? mask)
    {
        _predictions.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{stem}{extension},{result.Score:0.0000}"));
        _masks.Save(stem, mask ?? BinaryMask.Empty((int)result.Height, (int)result.Width));
    }

    public void Dispose() => _predictions.Dispose();
}
