using LoupeGrpc.Engine;
using LoupeGrpc.Packaging;
using LoupeGrpc.TestSupport;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine.Tiling;

/// <summary>Pictures in tiles by the embedded model against the reference: score, map, choice and peak.</summary>
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
        double bias = settings.GetProperty("bias").GetDouble();
        await using var biased = bias == 0 ? null : await EngineFixture.StartAsync(package: WithBias(bias));
        var request = Frames.WithMask with { SoftMask = true, Tiles = new TileRequest(TilePolicy.Native, settings.GetProperty("max_tiles").GetInt32()) };

        var answer = await (biased ?? nano.Engine).AnalyzedAsync(Frames.File(TestData.Golden("tiles", expected.GetProperty("image").GetString()!)), request);

        var (width, height, tiles) = (answer.Width, answer.Height, answer.Tiles!);
        Assert.Equal(expected.GetProperty("score").GetDouble(), answer.Score, ScoreTolerance);
        Assert.Equal(
            (expected.GetProperty("tiles").GetArrayLength(), expected.GetProperty("total").GetInt32(), expected.GetProperty("step").GetInt32(), expected.GetProperty("whole_picture_run").GetBoolean()),
            (tiles.Analysed, tiles.Of, tiles.Step, tiles.WholePictureRun));
        Assert.Equal(expected.GetProperty("coverage").GetDouble(), tiles.Coverage, 1e-12);
        Assert.Equal(expected.GetProperty("peak").GetProperty("score").GetDouble(), tiles.Peak.Score, ScoreTolerance);
        Assert.Equal(
            expected.GetProperty("peak").GetProperty("box").EnumerateArray().Select(static value => value.GetInt32()),
            [tiles.Peak.X, tiles.Peak.Y, tiles.Peak.Width, tiles.Peak.Height]);
        Assert.All(expected.GetProperty("soft_samples").EnumerateArray(), sample =>
            Assert.Equal(sample[2].GetDouble(), answer.SoftMask.Span[(sample[0].GetInt32() * width) + sample[1].GetInt32()], SoftTolerance));
        string? difference = GoldenMask.Compare(expected.GetProperty("mask").GetString()!, answer.Mask!.Data.Span, width, height);
        Assert.True(difference is null, $"{name}: {difference}");
        Assert.DoesNotContain(answer.Notes, static note => note.Kind == ImageNoteKind.Scaled);
    }

    /// <summary>The embedded model in a package that says otherwise about tiles.</summary>
    private static ModelPackage WithBias(double bias)
    {
        string copy = TestPackages.Copy(TestPackages.Nano);
        File.WriteAllBytes(Path.Combine(copy, PackageLayout.Manifest), (TestPackages.Nano.Manifest with { Tiles = new TileSettings(bias) }).ToBytes());
        return ModelPackage.Open(copy, PackageCheck.Hashes);
    }
}
