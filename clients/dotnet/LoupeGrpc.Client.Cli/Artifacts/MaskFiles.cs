using LoupeGrpc.Client.Masks;

namespace LoupeGrpc.Client.Cli.Artifacts;

/// <summary>`masks/NAME.png`, 255 where forged. Results without a mask leave none.</summary>
internal sealed class MaskFiles
{
    public MaskFiles(string folder)
    {
        Folder = folder;
        Directory.CreateDirectory(folder);
    }

    public string Folder { get; }

    public void Save(string stem, BinaryMask? mask)
    {
        if (mask is not null)
        {
            using var file = File.Create(Path.Combine(Folder, $"{stem}.png"));
            GrayPng.Write(file, mask);
        }
    }
}
