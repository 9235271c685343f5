using LoupeGrpc.Client.Cli.Artifacts;
using LoupeGrpc.Client.Cli.Inputs;
using LoupeGrpc.Client.Masks;
using LoupeGrpc.V1;
using OpenCvSharp;
using Xunit;

namespace LoupeGrpc.UnitTests.ClientCli;

public sealed class LoupeExportTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("loupe-export-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Predictions_have_four_decimals_and_authentic_pictures_black_masks()
    {
        using (var export = new LoupeExport(_folder))
        {
            export.Save(new ArtifactName("a.jpg", "a"), new FrameResult { Score = 0.12345f, Width = 5, Height = 3 }, null);
            export.Save(new ArtifactName("b.png", "b"), new FrameResult { Score = 1, Width = 1, Height = 1 }, CocoRleDecoder.Decode(1, 1, "01"));
            export.Complete();
        }

        Assert.Equal("a.jpg,0.1235\nb.png,1.0000\n", File.ReadAllText(Path.Combine(_folder, "predictions.txt")));
        using var black = Cv2.ImRead(Path.Combine(_folder, "masks", "a.png"), ImreadModes.Unchanged);
        using var white = Cv2.ImRead(Path.Combine(_folder, "masks", "b.png"), ImreadModes.Unchanged);
        Assert.Equal((new Size(5, 3), 0), (black.Size(), Cv2.CountNonZero(black)));
        Assert.Equal(255, white.At<byte>(0, 0));
    }
}
