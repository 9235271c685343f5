using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Tiling;
using LoupeGrpc.Native;
using LoupeGrpc.TestSupport;
using OpenCvSharp;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine.Tiling;

/// <summary>Pictures in tiles by the embedded model, each tile a frame of its own, against the reference: score, map, choice and peak.</summary>
public sealed class TileGoldenTests(EngineFixture nano) : IClassFixture<EngineFixture>
{
    private const double ScoreTolerance = 1e-4;
    private const double SoftTolerance = 1e-3;

    [Theory]
    [MemberData(nameof(TileGridTests.Cases), MemberType = typeof(TileGridTests))]
    public async Task The_embedded_model_answers_tiles_as_the_reference_does(string name)
    {
        var expected = TileGridTests.Expected().GetProperty(name);
        var settings = expected.GetProperty("settings");
        int maxTiles = settings.GetProperty("max_tiles").GetInt32();
        string path = TestData.Golden("tiles", expected.GetProperty("image").GetString()!);
        using var picture = Cv2.ImRead(path, ImreadModes.Color);
        var (width, height) = (picture.Width, picture.Height);
        int side = nano.Engine.Package.Manifest.ImageSize;
        var grid = TileGrid.Of(width, height, side, maxTiles);
        var starts = grid.Starts;
        if (starts.Count > maxTiles)
        {
            var whole = await AnalyzedAsync(Frames.File(path));
            starts = [.. grid.Choose(maxTiles, whole.SoftMask.Span, width, height).Select(index => grid.Starts[index])];
        }

        Assert.Equal(expected.GetProperty("tiles").EnumerateArray().Select(static tile => new TileStart(tile[0].GetInt32(), tile[1].GetInt32())), starts);
        var merger = new TileMerger(width, height, side);
        float[] soft = new float[width * height];
        double[] logits = new double[starts.Count];
        for (int i = 0; i < logits.Length; i++)
        {
            var tile = await AnalyzedAsync(Frames.Bgr(Cut(picture, starts[i], side), side, side));
            logits[i] = TileScores.Clip(MathF.Log(tile.Score / (1 - tile.Score)));
            merger.Add(starts[i], TileScores.Sigmoid(logits[i]), tile.SoftMask.Span, soft);
        }

        merger.Complete(soft);

        Assert.Equal(expected.GetProperty("score").GetDouble(), TileScores.Pool(logits, settings.GetProperty("bias").GetDouble()), ScoreTolerance);
        Assert.Equal(expected.GetProperty("coverage").GetDouble(), (double)starts.Count / grid.Starts.Count, 1e-12);
        CheckPeak(expected.GetProperty("peak"), starts[Array.IndexOf(logits, logits.Max())], TileScores.Sigmoid(logits.Max()), side, width, height);
        Assert.All(expected.GetProperty("soft_samples").EnumerateArray(), sample =>
            Assert.Equal(sample[2].GetDouble(), soft[(sample[0].GetInt32() * width) + sample[1].GetInt32()], SoftTolerance));
        byte[] mask = [.. soft.Select(value => (byte)(value > nano.Engine.Package.Manifest.MaskDecode.Threshold ? 1 : 0))];
        string? difference = GoldenMask.Compare(expected.GetProperty("mask").GetString()!, Encoding.ASCII.GetBytes(RunLength.Encode(mask, width, height, width)), width, height);
        Assert.True(difference is null, $"{name}: {difference}");
    }

    private static void CheckPeak(JsonElement expected, TileStart start, double score, int side, int width, int height)
    {
        int[] box = [start.X, start.Y, Math.Min(side, width - start.X), Math.Min(side, height - start.Y)];

        Assert.Equal(expected.GetProperty("score").GetDouble(), score, ScoreTolerance);
        Assert.Equal(expected.GetProperty("box").EnumerateArray().Select(static value => value.GetInt32()), box);
    }

    private static byte[] Cut(Mat picture, TileStart start, int side)
    {
        byte[] tile = new byte[side * side * 3];
        TileCut.Copy(MemoryMarshal.AsBytes(picture.AsSpan<Vec3b>()), picture.Width, picture.Height, (int)picture.Step(), start, side, tile);
        return tile;
    }

    private Task<FrameAnalysis> AnalyzedAsync(FrameInput input) => nano.Engine.AnalyzedAsync(input, Frames.WithMask with { SoftMask = true });
}
