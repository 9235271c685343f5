using LoupeGrpc.Modeling.Configuration;
using LoupeGrpc.Modeling.Packaging;
using LoupeGrpc.Packaging;
using LoupeGrpc.TestSupport;
using Xunit;

namespace LoupeGrpc.UnitTests.Modeling;

/// <summary>Switches of the configuration that none of the reference models has, each by what must follow from it.</summary>
public sealed class GraphVariantTests
{
    private const float Tolerance = 1e-5f;

    private static readonly LoupeConfig TinyG = TestModel.TinyConfig("tiny-g");

    [Fact]
    public void Average_pooling_is_the_mean_of_the_features()
    {
        using var model = new BuiltModel(Backbone(static backbone => backbone with { PoolType = PoolType.Avg }), MemoryWeights.OfTiny("tiny-g"), static _ => true);

        var results = model.Encode(Pixels("tiny-g"));

        var features = results[PackageTensors.Features];
        long tokens = features.Shape[1];
        long width = features.Shape[2];
        var mean = new float[features.Shape[0] * width];
        for (int i = 0; i < features.Values.Length; i++)
        {
            mean[i / (tokens * width) * width + i % width] += features.Values[i] / tokens;
        }

        Assert.InRange(results["pooled"].DistanceTo(new Tensor([features.Shape[0], width], mean)), 0, Tolerance);
    }

    [Fact]
    public void Without_a_last_norm_the_features_are_the_last_block()
    {
        using var model = new BuiltModel(Backbone(static backbone => backbone with { UseLnPost = false }), MemoryWeights.OfTiny("tiny-g").Without("ln_post"), static _ => true);

        var results = model.Encode(Pixels("tiny-g"));

        Assert.Equal(0, results[PackageTensors.Features].DistanceTo(results["backbone.block.1"]));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Without_positions_the_encoder_does_not_know_where_a_patch_is(bool useRope)
    {
        var config = Backbone(backbone => backbone with { UsePositionEmbedding = false, UseRope = useRope, UseLnPre = false });
        using var model = new BuiltModel(config, MemoryWeights.OfTiny("tiny-g").Without("positional_embedding").Without("ln_pre"));
        var pixels = Pixels("tiny-g");
        const int One = 3;
        const int Other = 20;

        var logits = model.Encode(pixels)[PackageTensors.PatchLogits];
        var swapped = model.Encode(SwapPatches(pixels, config.Backbone, One, Other))[PackageTensors.PatchLogits];

        for (int picture = 0; picture < logits.Shape[0]; picture++)
        {
            int start = picture * config.Backbone.Patches;
            (swapped.Values[start + One], swapped.Values[start + Other]) = (swapped.Values[start + Other], swapped.Values[start + One]);
        }

        Assert.Equal(useRope, swapped.DistanceTo(logits) > Tolerance);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Masks_depend_on_the_score_only_with_conditional_queries(bool conditional)
    {
        var config = TinyG with { Segmentor = TinyG.Segmentor with { ConditionalQueries = conditional } };
        var weights = MemoryWeights.OfTiny("tiny-g");
        if (!conditional)
        {
            weights.Without("label_embedding").Without("pixel_decoder.encoder.layers.0.cross_attn");
        }

        using var model = new BuiltModel(config, weights);
        var features = model.Encode(Pixels("tiny-g").Picture(0))[PackageTensors.Features];

        float distance = model.Segment(features, [0.9f])[PackageTensors.MaskLogits].DistanceTo(model.Segment(features, [0.1f])[PackageTensors.MaskLogits]);

        Assert.Equal(conditional, distance > Tolerance);
    }

    [Fact]
    public void A_query_that_would_see_no_cell_looks_at_all_of_them()
    {
        const string Projection = "segmentor.pixel_decoder.mask_projection";
        int channels = TinyG.Segmentor.MaskFeatureSize;
        int width = TinyG.Segmentor.FeatureSize;
        // Mask features of one everywhere: a mask is then as large as its embedding, the same in every cell.
        var weights = MemoryWeights.OfTiny("tiny-g").With(Projection + ".weight", static _ => 0, channels, width, 1, 1).With(Projection + ".bias", static _ => 1, channels);
        using var model = new BuiltModel(TinyG, weights);
        var features = model.Encode(Pixels("tiny-g").Picture(0))[PackageTensors.Features];

        var nothingBlocked = model.Segment(features, [0.5f], [Embedding(0.1f)]);
        var everythingBlocked = model.Segment(features, [0.5f], [Embedding(-0.1f)]);

        Assert.All(nothingBlocked[PackageTensors.MaskLogits].Values, static logit => Assert.True(logit > 0));
        Assert.All(everythingBlocked[PackageTensors.MaskLogits].Values, static logit => Assert.True(logit < 0));
        Assert.Equal(0, everythingBlocked[PackageTensors.HiddenStates].DistanceTo(nothingBlocked[PackageTensors.HiddenStates]));

        Dictionary<string, Tensor> Embedding(float value) => new(model.Theta)
        {
            ["mask_embedder.2.0.weight"] = new Tensor([channels, TinyG.Segmentor.HiddenDim], new float[channels * TinyG.Segmentor.HiddenDim]),
            ["mask_embedder.2.0.bias"] = new Tensor([channels], [.. Enumerable.Repeat(value, channels)]),
        };
    }

    [Fact]
    public void A_classifier_may_be_one_linear_layer()
    {
        var config = TinyG with { Classifier = TinyG.Classifier with { MlpLayers = 1, EnableFusion = false } };
        var weights = MemoryWeights.OfTiny("tiny-g").Without("classifier.");
        foreach (string head in (string[])["classifier", "patch_classifier"])
        {
            weights.With($"classifier.{head}.layers.0.weight", 1, 96).With($"classifier.{head}.layers.0.bias", 1);
        }

        using var model = new BuiltModel(config, weights, static _ => true);
        var results = model.Encode(Pixels("tiny-g").Picture(0));

        float expected = 0;
        for (int i = 0; i < 96; i++)
        {
            expected += results["pooled"].Values[i] * MathF.Sin(i) * 0.1f;
        }

        Assert.Equal(expected, results[PackageTensors.ClsLogit].Values[0], Tolerance);
    }

    [Fact]
    public void Every_setting_that_rules_out_a_package_is_named()
    {
        var config = new LoupeConfig(
            TinyG.Backbone with { ImageSize = 42 },
            TinyG.Classifier with { EnablePatch = false, EnableFusion = false },
            TinyG.Segmentor,
            TinyG.Loss);

        var exception = Assert.Throws<PackageException>(() => ModelGraphs.Build(config, MemoryWeights.OfTiny("tiny-g"), PackageLayout.Fp32, "tests"));

        Assert.Contains("backbone.image_size divided by backbone.patch_size is 3; it must be at least 4", exception.Message, StringComparison.Ordinal);
        Assert.Contains("classifier.enable_patch_cls", exception.Message, StringComparison.Ordinal);
    }

    private static LoupeConfig Backbone(Func<BackboneConfig, BackboneConfig> change) => TinyG with { Backbone = change(TinyG.Backbone) };

    private static Tensor Pixels(string name)
    {
        using var golden = SafetensorsFile.Open(TestData.Golden("tiny", name, "stages.safetensors"));
        return Tensor.Read(golden, PackageTensors.PixelValues);
    }

    private static Tensor SwapPatches(Tensor pixels, BackboneConfig config, int one, int other)
    {
        float[] values = [.. pixels.Values];
        int side = config.ImageSize;
        for (int plane = 0; plane < values.Length / (side * side); plane++)
        {
            for (int i = 0; i < config.PatchSize * config.PatchSize; i++)
            {
                (values[At(plane, one, i)], values[At(plane, other, i)]) = (values[At(plane, other, i)], values[At(plane, one, i)]);
            }
        }

        return pixels with { Values = values };

        int At(int plane, int patch, int pixel) =>
            (plane * side + patch / config.Grid * config.PatchSize + pixel / config.PatchSize) * side
            + patch % config.Grid * config.PatchSize + pixel % config.PatchSize;
    }
}
