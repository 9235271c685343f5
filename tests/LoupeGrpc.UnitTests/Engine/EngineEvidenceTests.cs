using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.TestSupport;
using OpenCvSharp;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine;

/// <summary>What is measured beside the findings, where it is asked for.</summary>
public sealed class EngineEvidenceTests(EngineFixture nano) : IClassFixture<EngineFixture>
{
    private static readonly AnalysisRequest Asked = Frames.WithMask with { Evidence = true };

    private static readonly AnalysisRequest InTiles = Asked with { Tiles = new TileRequest(TilePolicy.Native) };

    [Fact]
    public async Task Nothing_is_measured_for_who_does_not_ask_and_the_findings_are_the_same()
    {
        var plain = await nano.Engine.AnalyzedAsync(Frames.Sample("forged-cat-in-coffee.jpg"));
        var measured = await nano.Engine.AnalyzedAsync(Frames.Sample("forged-cat-in-coffee.jpg"), Asked);

        Assert.Null(plain.Evidence);
        Assert.NotNull(measured.Evidence);
        Assert.Equal((plain.Score, plain.Mask!.Area), (measured.Score, measured.Mask!.Area));
        Assert.Equal(plain.Mask.Data.ToArray(), measured.Mask.Data.ToArray());
    }

    [Theory]
    [InlineData("forged-cat-inpainted.png")]
    [InlineData("forged-raccoon-regenerated.jpg")]
    public async Task Fields_and_patches_are_those_of_the_mask(string sample)
    {
        var found = await nano.Engine.AnalyzedAsync(Frames.Sample(sample), Asked with { MaskEncoding = MaskEncoding.Png });
        using var mask = Cv2.ImDecode(found.Mask!.Data.Span, ImreadModes.Grayscale);
        var evidence = found.Evidence!;

        Assert.Equal((224, 0.5f, 256), (evidence.InputSide, evidence.MaskThreshold, evidence.Patches!.All));
        Assert.Equal((found.Mask.Area, found.Mask.Area), (evidence.Mask!.Area, evidence.Mask.Fields.Sum()));
        // The middle of the picture, counted by another.
        var (left, right) = (((mask.Width + 2) / 3), ((mask.Width * 2) + 2) / 3);
        var (top, bottom) = (((mask.Height + 2) / 3), ((mask.Height * 2) + 2) / 3);
        Assert.Equal(Cv2.CountNonZero(mask[new Rect(left, top, right - left, bottom - top)]), evidence.Mask.Fields[4]);
        // The model finds these, by both of its parts.
        Assert.InRange(evidence.Patches.Suspected, 10, 60);
        Assert.InRange((double)evidence.Mask.OnSuspectedPatches!.Value / found.Mask.Area, 0.8, 1);
    }

    [Fact]
    public async Task A_mask_that_is_too_long_for_its_answer_is_measured_all_the_same()
    {
        var found = await nano.Engine.AnalyzedAsync(Frames.Sample("forged-cat-inpainted.png"), Asked with { MaxMaskBytes = 1 });
        var whole = await nano.Engine.AnalyzedAsync(Frames.Sample("forged-cat-inpainted.png"), Asked);

        Assert.Equal((null, MaskOmission.Budget), (found.Mask, found.MaskOmission));
        Assert.Equal(whole.Mask!.Area, found.Evidence!.Mask!.Area);
    }

    [Fact]
    public async Task Without_a_mask_there_are_patches_and_no_mask()
    {
        var found = await nano.Engine.AnalyzedAsync(Frames.Sample("authentic-coffee.jpg"), Asked with { MaskPolicy = MaskPolicy.WhenSuspected });

        Assert.Equal((256, null), (found.Evidence!.Patches?.All, found.Evidence.Mask));
    }

    [Theory]
    [InlineData(0, 0, 0, 0f)]
    [InlineData(255, 255, 255, 1f)]
    [InlineData(255, 0, 0, 0.114f)]
    [InlineData(0, 255, 0, 0.587f)]
    [InlineData(0, 0, 255, 0.299f)]
    public async Task Brightness_is_the_mean_luma(byte blue, byte green, byte red, float expected)
    {
        using var picture = new Mat(300, 500, MatType.CV_8UC3, new Scalar(blue, green, red));
        var file = new EncodedInput(picture.ImEncode(".png"));

        Assert.Equal(expected, (await nano.Engine.AnalyzedAsync(file, Asked)).Evidence!.Brightness!.Value, 1e-4f);
        Assert.Equal(expected, (await nano.Engine.AnalyzedAsync(file, InTiles)).Evidence!.Brightness!.Value, 1e-4f);
    }

    [Fact]
    public async Task A_picture_in_tiles_has_no_patches_of_its_own()
    {
        var found = await nano.Engine.AnalyzedAsync(Frames.File(TestData.Golden("tiles", "raccoon-noise.png")), InTiles);

        Assert.Equal((null, null), (found.Evidence!.Patches, found.Evidence.Mask!.OnSuspectedPatches));
        Assert.Equal((found.Mask!.Area, found.Mask.Area), (found.Evidence.Mask.Area, found.Evidence.Mask.Fields.Sum()));
        Assert.InRange(found.Evidence.Brightness!.Value, 0.2f, 0.8f);
    }

    [Fact]
    public async Task What_a_file_says_of_itself_is_kept()
    {
        var jpeg = (await nano.Engine.AnalyzedAsync(Frames.Sample("forged-cat-in-coffee.jpg"), Asked)).Evidence!;
        var png = (await nano.Engine.AnalyzedAsync(Frames.Sample("forged-cat-inpainted.png"), Asked)).Evidence!;
        var two = (await nano.Engine.AnalyzedAsync(Frames.File(TestData.Golden("faults", "mpo-two-pictures.jpg")), Asked)).Evidence!;
        var raw = (await nano.Engine.AnalyzedAsync(Frames.Noise(300, 200), Asked)).Evidence!;

        Assert.InRange(jpeg.JpegQuality!.Value, 70, 100);
        Assert.Equal((null, 1, 8), (png.JpegQuality, png.Pictures, png.BitDepth));
        Assert.Equal(2, two.Pictures);
        Assert.Equal((null, 1, 8), (raw.JpegQuality, raw.Pictures, raw.BitDepth));
    }

    [Fact]
    public async Task The_mask_without_adaptation_is_measured_beside_the_other()
    {
        var session = nano.Engine.CreateAdaptation(new AdaptationSettings { LearningRate = 5e-3, MinConfidence = 0, DualVerdictEveryNth = 1, Guard = null });
        var request = Asked with { Adaptation = session };
        var first = await nano.Engine.AnalyzedAsync(Frames.Sample("forged-cat-inpainted.png"), request);
        var second = await nano.Engine.AnalyzedAsync(Frames.Sample("forged-cat-inpainted.png"), request);

        Assert.Equal((first.Mask!.Area, 0f), (first.Evidence!.BaseMaskArea, first.MaskDisagreement));
        Assert.Equal((second.BaseMask!.Area, first.Mask.Area), (second.Evidence!.BaseMaskArea, second.BaseMask.Area));
        Assert.NotEqual(second.Mask!.Area, second.Evidence.BaseMaskArea);
        Assert.Equal(second.Mask.Area, second.Evidence.Mask!.Area);
    }
}
