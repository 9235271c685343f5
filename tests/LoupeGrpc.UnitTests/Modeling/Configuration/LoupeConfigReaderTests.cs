using System.Text.Json.Nodes;
using LoupeGrpc.Modeling.Configuration;
using LoupeGrpc.TestSupport;
using Xunit;

namespace LoupeGrpc.UnitTests.Modeling.Configuration;

public sealed class LoupeConfigReaderTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("loupe-config-");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public void Own_form_is_read_value_by_value()
    {
        var config = LoupeConfigReader.Read(TestData.Golden("tiny", "tiny-s", "config.json"));

        Assert.Equal(
            new BackboneConfig(
                ImageSize: 112,
                PatchSize: 16,
                Width: 64,
                Layers: 2,
                Heads: 4,
                MlpRatio: 2,
                UseClassToken: true,
                UsePositionEmbedding: true,
                UseRope: true,
                UseLnPre: true,
                UseLnPost: true,
                PoolType: PoolType.Tok,
                PoolerHeads: 8,
                LayerScaleInit: 0.1),
            config.Backbone);
        Assert.Equal(new ClassifierConfig(MlpRatio: 1, MlpLayers: 3, EnablePatch: true, EnableFusion: false), config.Classifier);
        Assert.Equal([4, 2, 1, 0.5], config.Segmentor.FpnScales);
        Assert.Equal(
            new SegmentorConfig(
                config.Segmentor.FpnScales,
                FeatureSize: 32,
                MaskFeatureSize: 64,
                HiddenDim: 32,
                EncoderLayers: 2,
                DecoderLayers: 4,
                AttentionHeads: 2,
                DecoderFeedForward: 48,
                EncoderFeedForward: 48,
                Queries: 4,
                ConditionalQueries: true),
            config.Segmentor);
        Assert.Equal(
            new LossConfig(
                MaskWeight: 5,
                ClassWeight: 2,
                DiceWeight: 5,
                NoObjectWeight: 0.1,
                PixelForgeWeight: 0.8,
                PixelPolyEpsilon: 1,
                TverskyAlpha: 0.3),
            config.Loss);
    }

    [Fact]
    public void Every_shipped_configuration_is_read()
    {
        Assert.Null(LoupeConfigReader.Read(TestData.Golden("tiny", "tiny-l", "config.json")).Backbone.LayerScaleInit);
        Assert.False(LoupeConfigReader.Read(TestData.Golden("tiny", "tiny-g", "config.json")).Backbone.UseClassToken);
        Assert.Equal(0.5, LoupeConfigReader.Read(TestData.NanoModel("config.json")).Loss.TverskyAlpha);
        Assert.Equal(577, LoupeConfigReader.Read(TestData.Golden("l14", "config.json")).Backbone.Tokens);
    }

    [Theory]
    [InlineData("config-tiny-s.yaml", "tiny/tiny-s/config.json")]
    [InlineData("config-l14.yaml", "l14/config.json")]
    public void Authors_settings_give_the_same_model_as_our_form(string authors, string own)
        => AssertSame(LoupeConfigReader.Read(TestData.Golden(own)), LoupeConfigReader.Read(TestData.Golden("checkpoints", authors)));

    [Theory]
    [InlineData("PE-Core-L14-336", 336, 14, 1024, 24, 16, 4096, true, true, null)]
    [InlineData("PE-Core-B16-224", 224, 16, 768, 12, 12, 3072, true, true, null)]
    [InlineData("PE-Core-G14-448", 448, 14, 1536, 50, 16, 8960, false, true, null)]
    [InlineData("PE-Spatial-G14-448", 448, 14, 1536, 50, 16, 8960, false, false, 0.1)]
    public void Backbone_name_picks_the_published_size(
        string name, int imageSize, int patchSize, int width, int layers, int heads, int mlpWidth, bool classToken, bool lnPost, double? layerScale)
    {
        var backbone = Read($"model: {{backbone_name: {name}, backbone_overrides: {{pool_type: attn}}}}").Backbone;

        Assert.Equal((imageSize, patchSize, width, layers, heads), (backbone.ImageSize, backbone.PatchSize, backbone.Width, backbone.Layers, backbone.Heads));
        Assert.Equal(mlpWidth, (int)(backbone.Width * backbone.MlpRatio));
        Assert.Equal((classToken, lnPost, layerScale), (backbone.UseClassToken, backbone.UseLnPost, backbone.LayerScaleInit));
        Assert.Equal((true, true, true, 8), (backbone.UseRope, backbone.UsePositionEmbedding, backbone.UseLnPre, backbone.PoolerHeads));
    }

    [Fact]
    public void A_dash_and_silence_keep_the_default()
    {
        var said = Read("model: {backbone_name: PE-Core-B16-224, backbone_overrides: {width: '-', use_rope2d: \"-\", ls_init_value: '-', output_dim: '-'}, cls_mlp_layers: '-', fpn_scales: '-', mask2former_overrides: {num_queries: '-'}}");

        AssertSame(Read("model: {backbone_name: PE-Core-B16-224, backbone_overrides: null}"), said);
    }

    [Theory]
    [InlineData("config.yaml", "model: {hidden_act: 'gelu', mask2former_overrides: {activation_function: relu, pre_norm: False}}")]
    [InlineData("config.json", """{"model": {"hidden_act": "gelu", "backbone_overrides": {"output_dim": null, "pool_type": "-"}, "mask2former_overrides": {"activation_function": "relu"}}}""")]
    public void Settings_that_say_the_only_value_there_is_are_fine(string name, string content)
        => AssertSame(LoupeConfigReader.Read(TestData.Golden("l14", "config.json")), Read(content, name));

    [Fact]
    public void Null_turns_layer_scale_off_where_the_published_model_has_it()
        => Assert.Null(Read("model: {backbone_name: PE-Spatial-G14-448, backbone_overrides: {pool_type: attn, ls_init_value: null}}").Backbone.LayerScaleInit);

    [Theory]
    [InlineData("model: {backbone_name: PE-Core-XL}", "model.backbone_name is PE-Core-XL, it must be one of PE-Core-L14-336, PE-Core-B16-224, PE-Core-G14-448, PE-Spatial-G14-448")]
    [InlineData("model: {backbone_name: PE-Spatial-G14-448}", "model.backbone_overrides.pool_type is missing, it must be one of attn, tok, avg")]
    [InlineData("model: {backbone_overrides: {heads: 7}}", "model.backbone_overrides.heads is 7, it must be a divisor of model.backbone_overrides.width 1024")]
    [InlineData("model: {backbone_overrides: {heads: 512}}", "model.backbone_overrides.heads is 512, it must be such that width 1024 / heads is a multiple of 4 (rotary embedding)")]
    [InlineData("model: {backbone_overrides: {heads: many}}", "model.backbone_overrides.heads is many, it must be a whole number")]
    [InlineData("model: {backbone_overrides: {heads: '16'}}", "model.backbone_overrides.heads is '16', it must be a whole number")]
    [InlineData("model: {backbone_overrides: {width: null}}", "model.backbone_overrides.width is null, it must be a whole number")]
    [InlineData("model: {backbone_overrides: {width: -8}}", "model.backbone_overrides.width is -8, it must be from 1 to 16384")]
    [InlineData("model: {backbone_overrides: {image_size: 340}}", "model.backbone_overrides.image_size is 340, it must be a multiple of the patch size 14, at least twice it")]
    [InlineData("model: {backbone_overrides: {use_cls_token: 1}}", "model.backbone_overrides.use_cls_token is 1, it must be true or false")]
    [InlineData("model: {backbone_overrides: {pool_type: max}}", "model.backbone_overrides.pool_type is max, it must be one of attn, tok, avg")]
    [InlineData("model: {backbone_overrides: {pool_type: tok, use_cls_token: false}}", "model.backbone_overrides.pool_type is tok, it must be attn or avg where use_cls_token is false")]
    [InlineData("model: {backbone_overrides: {attn_pooler_heads: 3}}", "model.backbone_overrides.attn_pooler_heads is 3, it must be a divisor of model.backbone_overrides.width 1024")]
    [InlineData("model: {backbone_overrides: {output_dim: 512}}", "model.backbone_overrides.output_dim is 512, it must be null")]
    [InlineData("model: {backbone_overrides: {widht: 8}}", "model.backbone_overrides.widht is not a setting; known here: attn_pooler_heads,")]
    [InlineData("model: {backbone_overrides: [1]}", "model.backbone_overrides is [1], it must be a section")]
    [InlineData("model: {fpn_scales: [8, 2, 0.5]}", "model.fpn_scales is [8, 2, 1, 0.5], it must be the scales 4, 2, 1, 0.5, each once")]
    [InlineData("model: {fpn_scales: [4, 2]}", "model.fpn_scales is [4, 2, 1], it must be the scales 4, 2, 1, 0.5, each once")]
    [InlineData("model: {fpn_scales: 4}", "model.fpn_scales is 4, it must be a list of numbers")]
    [InlineData("model: {hidden_act: relu}", "model.hidden_act is relu, it must be gelu")]
    [InlineData("model: {enable_patch_cls: false}", "model.enable_cls_fusion is true, it must be false where enable_patch_cls is false")]
    [InlineData("model: {cls_mlp_layers: 0}", "model.cls_mlp_layers is 0, it must be from 1 to 1024")]
    [InlineData("model: {tversky_alpha: 1.5}", "model.tversky_alpha is 1.5, it must be from 0 to 1")]
    [InlineData("model: {tversky_alpha: .nan}", "model.tversky_alpha is .nan, it must be a number")]
    [InlineData("model: {mask2former_overrides: {num_attention_heads: 3}}", "model.mask2former_overrides.num_attention_heads is 3, it must be a divisor of model.mask2former_overrides.feature_size 256")]
    [InlineData("model: {mask2former_overrides: {feature_size: 48}}", "model.mask2former_overrides.feature_size is 48, it must be a multiple of 32 (group normalisation)")]
    [InlineData("model: {mask2former_overrides: {id2label: {0: forgery, 1: other}}}", "model.mask2former_overrides.id2label has 2 entries, it must have 1")]
    [InlineData("model: {mask2former_overrides: {pre_norm: true}}", "model.mask2former_overrides.pre_norm is true, it must be false")]
    [InlineData("model: {mask2former_overrides: {mask_weight: '${oc.env:W}'}}", "model.mask2former_overrides.mask_weight is '${oc.env:W}', it must be a number")]
    [InlineData("model: {hidden_act: \"\\e[2J\"}", "model.hidden_act is '\\u001b[2J', it must be gelu")]
    [InlineData("model: [1]", "model is [1], it must be a section")]
    public void A_setting_that_does_not_fit_is_named_with_what_is_allowed(string yaml, string expected)
    {
        var exception = Assert.Throws<LoupeConfigException>(() => Read(yaml));

        Assert.StartsWith(expected, Assert.Single(exception.Errors), StringComparison.Ordinal);
        Assert.Contains(Path.Combine(_directory.FullName, "config.yaml"), exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void All_errors_are_told_at_once()
    {
        var json = JsonNode.Parse(File.ReadAllText(TestData.Golden("tiny", "tiny-s", "config.json")))!;
        json["backbone"]!["heads"] = "four";
        json["backbone"]!.AsObject().Remove("layers");
        json["classifier"]!["cls_mlp_layers"] = -1;
        json["segmentor"]!["num_attention_heads"] = 5;
        json["segmentor"]!["extra"] = 1;
        json.AsObject().Remove("loss");

        var exception = Assert.Throws<LoupeConfigException>(() => Read(json.ToJsonString(), "config.json"));

        Assert.Equal(
            [
                "backbone.heads is 'four', it must be a whole number",
                "backbone.layers is missing, it must be a whole number",
                "classifier.cls_mlp_layers is -1, it must be from 1 to 1024",
                "loss is missing, it must be a section",
                "segmentor.extra is not a setting; known here: decoder_layers, dim_feedforward, enable_conditional_queries, encoder_feedforward_dim, encoder_layers, feature_size, fpn_scales, hidden_dim, mask_feature_size, num_attention_heads, num_queries",
                "segmentor.num_attention_heads is 5, it must be a divisor of segmentor.feature_size 32",
            ],
            exception.Errors.Order(StringComparer.Ordinal));
        Assert.All(exception.Errors, error => Assert.Contains(error, exception.Message, StringComparison.Ordinal));
    }

    [Fact]
    public void Every_setting_of_our_form_is_needed()
    {
        var original = JsonNode.Parse(File.ReadAllText(TestData.Golden("tiny", "tiny-s", "config.json")))!.AsObject();
        foreach (var (section, settings) in original)
        {
            foreach (var (key, _) in settings!.AsObject())
            {
                var copy = original.DeepClone();
                copy[section]!.AsObject().Remove(key);

                var exception = Assert.Throws<LoupeConfigException>(() => Read(copy.ToJsonString(), "config.json"));

                Assert.StartsWith($"{section}.{key} is missing, it must be ", Assert.Single(exception.Errors), StringComparison.Ordinal);
            }
        }
    }

    [Theory]
    [InlineData("config.json", "", "not valid JSON")]
    [InlineData("config.json", "{\"backbone\": {", "not valid JSON")]
    [InlineData("config.json", "{\"backbone\": {}, \"backbone\": {}}", "not valid JSON")]
    [InlineData("config.json", "[]", "the top of the file must be a map")]
    [InlineData("config.json", "{}", "neither a section backbone nor a section model")]
    [InlineData("config.yaml", "", "the top of the file must be a map")]
    [InlineData("config.yaml", "- 1", "the top of the file must be a map")]
    [InlineData("config.yaml", "seed: 1", "neither a section backbone nor a section model")]
    [InlineData("config.yaml", "model: {a: 1", "not valid YAML, line ")]
    [InlineData("config.yaml", "model: {a: 1, a: 2}", "a is set twice")]
    [InlineData("config.yaml", "model: &m {a: *m}", "*m names nothing that is complete before it")]
    [InlineData("config.yaml", "model: {<<: {a: 1}}", "merge keys (<<) are not supported")]
    [InlineData("config.yaml", "model: {[1]: 1}", "not valid YAML")]
    [InlineData("config.yaml", "model: {}\n---\nmodel: {}", "not valid YAML")]
    public void What_is_no_configuration_is_refused(string name, string content, string expected)
        => Assert.Contains(expected, Assert.Throws<LoupeConfigException>(() => Read(content, name)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("config.json")]
    [InlineData("config.yaml")]
    public void Nesting_without_end_is_refused(string name)
        => Assert.Throws<LoupeConfigException>(() => Read("{\"model\": " + new string('[', 100_000), name));

    [Fact]
    public void A_missing_file_a_directory_and_a_huge_file_are_refused()
    {
        var missing = Path.Combine(_directory.FullName, "none.yaml");
        Assert.Equal($"{missing}: there is no such file", Assert.Throws<LoupeConfigException>(() => LoupeConfigReader.Read(missing)).Message);
        Assert.Contains("cannot be read", Assert.Throws<LoupeConfigException>(() => LoupeConfigReader.Read(_directory.FullName)).Message, StringComparison.Ordinal);
        Assert.Contains("at most", Assert.Throws<LoupeConfigException>(() => Read(new string(' ', 2 << 20))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Damaged_files_are_refused_or_read_but_never_crash()
    {
        var random = new Random(20250131);
        foreach (var original in (string[])["tiny/tiny-s/config.json", "checkpoints/config-tiny-s.yaml"])
        {
            var bytes = File.ReadAllBytes(TestData.Golden(original));
            var path = Path.Combine(_directory.FullName, Path.GetFileName(original));
            for (var round = 0; round < 500; round++)
            {
                var damaged = bytes.AsSpan(0, random.Next(bytes.Length + 1)).ToArray();
                for (var flips = random.Next(4); flips > 0 && damaged.Length > 0; flips--)
                {
                    damaged[random.Next(damaged.Length)] ^= (byte)(1 << random.Next(8));
                }

                File.WriteAllBytes(path, damaged);
                var exception = Record.Exception(() => LoupeConfigReader.Read(path));
                Assert.True(exception is null or LoupeConfigException, exception?.ToString());
            }
        }
    }

    private static void AssertSame(LoupeConfig expected, LoupeConfig actual)
    {
        Assert.Equal(expected.Segmentor.FpnScales, actual.Segmentor.FpnScales);
        Assert.Equal(expected, actual with { Segmentor = actual.Segmentor with { FpnScales = expected.Segmentor.FpnScales } });
    }

    private LoupeConfig Read(string content, string name = "config.yaml")
    {
        var path = Path.Combine(_directory.FullName, name);
        File.WriteAllText(path, content);
        return LoupeConfigReader.Read(path);
    }
}
