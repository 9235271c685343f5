using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.Packaging;
using LoupeGrpc.TestSupport;
using LoupeGrpc.UnitTests.Packaging;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine;

/// <summary>A calibration changes scores, and nothing that the model was trained with.</summary>
public sealed class EngineCalibrationTests(EngineFixture plain) : IClassFixture<EngineFixture>
{
    private const string Manipulated = "forged-cat-in-coffee.jpg";

    // So far that what was above 0.5 is below.
    private const double Temperature = 2.5;
    private const double Bias = -6;
    private const double TileBias = 0.75;

    private static EncodedInput Large => Frames.File(TestData.Golden("tiles", "raccoon-noise.png"));

    [Theory]
    [InlineData(Manipulated)]
    [InlineData("authentic-chelsea.png")]
    public async Task Without_one_a_score_is_bit_for_bit_the_sigmoid_of_the_logit(string sample)
    {
        var analysis = await plain.Engine.AnalyzedAsync(Frames.Sample(sample));

        Assert.Equal(1 / (1 + MathF.Exp(-(float)analysis.Logit)), analysis.Score);
    }

    [Fact]
    public async Task A_score_is_made_of_the_calibrated_logit_and_the_mask_of_the_models_own()
    {
        await using var calibrated = await StartCalibratedAsync();
        var before = await plain.Engine.AnalyzedAsync(Frames.Sample(Manipulated), Frames.WithMask);

        var after = await calibrated.AnalyzedAsync(Frames.Sample(Manipulated), Frames.WithMask);

        Assert.Equal(before.Logit, after.Logit);
        Assert.Equal(Sigmoid((before.Logit / Temperature) + Bias), after.Score, 1e-6);
        Assert.True(before.Score > 0.5 && after.Score < 0.5, $"{before.Score} {after.Score}");
        Assert.Equal((Verdict.Manipulated, Verdict.Authentic), (before.Verdict, after.Verdict));
        Assert.Equal(before.Mask!.Data.ToArray(), after.Mask!.Data.ToArray());
        Assert.Equal(before.Regions, after.Regions);
    }

    [Fact]
    public async Task A_picture_in_tiles_loses_the_bias_of_tiles_first()
    {
        await using var calibrated = await StartCalibratedAsync();
        var request = Frames.WithMask with { Tiles = new TileRequest(TilePolicy.Native) };
        var before = await plain.Engine.AnalyzedAsync(Large, request);

        var after = await calibrated.AnalyzedAsync(Large, request);

        Assert.Equal(before.Logit, after.Logit);
        Assert.Equal(Sigmoid(before.Logit), before.Score, 1e-6);
        Assert.Equal(Sigmoid(((before.Logit - TileBias) / Temperature) + Bias), after.Score, 1e-6);
        Assert.Equal(before.Mask!.Data.ToArray(), after.Mask!.Data.ToArray());
        var (was, peak) = (before.Tiles!.Peak, after.Tiles!.Peak);
        Assert.Equal(was with { Score = peak.Score }, peak);
        // One tile alone is a small picture.
        Assert.Equal(Sigmoid((Math.Log(was.Score / (1 - was.Score)) / Temperature) + Bias), peak.Score, 1e-4);
    }

    [Fact]
    public async Task Adaptation_goes_on_from_what_the_model_says()
    {
        await using var calibrated = await StartCalibratedAsync();
        var (one, other) = (plain.Engine.CreateAdaptation(new AdaptationSettings()), calibrated.CreateAdaptation(new AdaptationSettings()));
        for (var frame = 0; frame < 3; frame++)
        {
            var before = await plain.Engine.AnalyzedAsync(Frames.Sample(Manipulated), Frames.WithMask with { Adaptation = one });
            var after = await calibrated.AnalyzedAsync(Frames.Sample(Manipulated), Frames.WithMask with { Adaptation = other });

            Assert.Equal(frame, after.Adaptation!.Step);
            Assert.Equal(before.Adaptation!.Hash.ToArray(), after.Adaptation.Hash.ToArray());
            Assert.Equal(before.Mask!.Data.ToArray(), after.Mask!.Data.ToArray());
        }
    }

    private static double Sigmoid(double logit) => 1 / (1 + Math.Exp(-logit));

    private static async Task<LoupeEngine> StartCalibratedAsync()
    {
        string copy = TestPackages.Copy(TestPackages.Nano);
        var manifest = TestPackages.Nano.Manifest with
        {
            FormatVersion = PackageLayout.CalibratedFormatVersion,
            Tiles = new TileSettings(TileBias),
            Calibration = PackageSamples.Calibration() with { Temperature = Temperature, Bias = Bias },
        };
        await File.WriteAllBytesAsync(Path.Combine(copy, PackageLayout.Manifest), manifest.ToBytes(), TestContext.Current.CancellationToken);
        return await EngineFixture.StartAsync(package: ModelPackage.Open(copy, PackageCheck.Hashes));
    }
}
