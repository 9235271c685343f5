using System.Globalization;
using System.Text;
using LoupeGrpc.Client.Cli.Files;
using LoupeGrpc.Client.Cli.Inputs;
using LoupeGrpc.Client.Masks;
using LoupeGrpc.Files;
using LoupeGrpc.V1;

namespace LoupeGrpc.Client.Cli.Artifacts;

/// <summary>
/// The output form of Loupe's authors: `predictions.txt` with a line `NAME,SCORE` a picture, and `masks/NAME` as PNG.
/// Masks are lossless, so that of `a.jpg` is `masks/a.png`; beside an `a.png` it is `masks/a.jpg.png`.
/// </summary>
internal sealed class LoupeExport : IDisposable
{
    private readonly string _predictions;
    private readonly ArtifactFolder _masks;
    private AtomicFile? _file;
    private bool _isBroken;
    private long _pictures;

    /// <exception cref="IOException">Or <see cref="UnauthorizedAccessException"/>: the folder cannot be made.</exception>
    public LoupeExport(string folder)
    {
        Folder = folder;
        _masks = new ArtifactFolder(Path.Combine(folder, "masks"));
        _predictions = Path.Combine(folder, "predictions.txt");
        AtomicFile.Sweep(folder);
    }

    public string Folder { get; }

    /// <summary>Pictures of the list that is in its place.</summary>
    public long Written { get; private set; }

    /// <summary>Where the mask of an input is.</summary>
    public string MaskOf(ArtifactName name) => _masks.FileOf(name.Stem);

    /// <returns>The mask's file.</returns>
    /// <exception cref="IOException">The picture is not part of the export.</exception>
    public string Save(ArtifactName name, FrameResult result, BinaryMask? mask)
    {
        var file = _masks.Save(name.Stem, stream => GrayPng.Write(stream, mask ?? BinaryMask.Empty((int)result.Height, (int)result.Width)));
        Keep(name, result.Score);
        return file;
    }

    /// <summary>A picture whose mask is there from an earlier run.</summary>
    /// <exception cref="IOException">The picture is not part of the export.</exception>
    public void Keep(ArtifactName name, float score)
    {
        Attempt(() =>
        {
            if (_file is null)
            {
                // Never an older list beside newer masks.
                File.Delete(_predictions);
                _file = new AtomicFile(_predictions);
            }

            _file.Content.Write(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{name.Label},{score:0.0000}\n")));
        });
        _pictures++;
    }

    /// <summary>An input without a result has no part in it.</summary>
    /// <exception cref="IOException">A mask of an earlier run is still there.</exception>
    public void Remove(ArtifactName name) => _masks.Remove(name.Stem);

    /// <summary>Puts the list in its place.</summary>
    /// <exception cref="IOException">There is none.</exception>
    public void Complete()
    {
        // A list that lacks a line is not whole.
        if (!_isBroken)
        {
            Attempt(() => _file?.Commit());
            Written = _pictures;
        }
    }

    public void Dispose() => _file?.Dispose();

    private void Attempt(Action write)
    {
        try
        {
            write();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            _isBroken = true;
            throw FileErrors.Of(error, $"{_predictions} was not written");
        }
    }
}
