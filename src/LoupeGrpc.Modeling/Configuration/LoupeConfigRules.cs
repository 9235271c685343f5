using System.Globalization;

namespace LoupeGrpc.Modeling.Configuration;

/// <summary>What has to hold between the settings of a model, in one place for every form in which they come.</summary>
/// <param name="nameOf">From the dotted name in our JSON form to the name in the file being read.</param>
internal sealed class LoupeConfigRules(LoupeConfig config, Func<string, string> nameOf, SettingsErrors errors)
{
    /// <summary>Groups of every group normalisation in the pixel decoder.</summary>
    private const int NormGroups = 32;

    // Far above any published model, low enough that no product of two overflows.
    private const int MaxSize = 16384;
    private const int MaxImageSize = 4096;
    private const int MaxLayers = 1024;
    private const int MaxQueries = 1024;

    /// <summary>The scales that the pyramid is built for, as the authors count its layers.</summary>
    internal static IReadOnlyList<double> FpnScales { get; } = [4, 2, 1, 0.5];

    /// <summary>Adds an error for each rule that is broken.</summary>
    internal void Validate()
    {
        ValidateBackbone(config.Backbone);
        ValidateClassifier(config.Classifier);
        ValidateSegmentor(config.Segmentor);
        ValidateLoss(config.Loss);
    }

    private void ValidateBackbone(BackboneConfig backbone)
    {
        Between("backbone.image_size", backbone.ImageSize, 1, MaxImageSize);
        Between("backbone.patch_size", backbone.PatchSize, 1, MaxImageSize);
        Between("backbone.width", backbone.Width, 1, MaxSize);
        Between("backbone.layers", backbone.Layers, 1, MaxLayers);
        Between("backbone.heads", backbone.Heads, 1, MaxSize);
        Above("backbone.mlp_ratio", backbone.MlpRatio, 0, MaxSize);

        Require("backbone.image_size", backbone.ImageSize, $"a multiple of the patch size {backbone.PatchSize}, at least twice it", ["backbone.patch_size"],
            () => backbone.ImageSize % backbone.PatchSize == 0 && backbone.Grid >= 2);
        Require("backbone.mlp_ratio", backbone.MlpRatio, $"1 or more when multiplied by the width {backbone.Width}", ["backbone.width"],
            () => (int)(backbone.Width * backbone.MlpRatio) is >= 1 and <= MaxSize * 8);
        Divides("backbone.heads", backbone.Heads, "backbone.width", backbone.Width);
        if (backbone.UseRope)
        {
            Require("backbone.heads", backbone.Heads, $"such that width {backbone.Width} / heads is a multiple of 4 (rotary embedding)", ["backbone.width"],
                () => backbone.Width / backbone.Heads % 4 == 0);
        }

        if (backbone.PoolType == PoolType.Attn)
        {
            Between("backbone.attn_pooler_heads", backbone.PoolerHeads, 1, MaxSize);
            Divides("backbone.attn_pooler_heads", backbone.PoolerHeads, "backbone.width", backbone.Width);
        }

        Require("backbone.pool_type", "tok", "attn or avg where use_cls_token is false", ["backbone.use_cls_token"],
            () => backbone.PoolType != PoolType.Tok || backbone.UseClassToken);
    }

    private void ValidateClassifier(ClassifierConfig classifier)
    {
        Between("classifier.cls_mlp_layers", classifier.MlpLayers, 1, MaxLayers);
        Above("classifier.cls_mlp_ratio", classifier.MlpRatio, 0, MaxSize);
        Require("classifier.cls_mlp_ratio", classifier.MlpRatio, $"1 or more when multiplied by the backbone's width {config.Backbone.Width}", ["backbone.width"],
            () => (int)(config.Backbone.Width * classifier.MlpRatio) is >= 1 and <= MaxSize * 8);
        Require("classifier.enable_cls_fusion", "true", "false where enable_patch_cls is false", ["classifier.enable_patch_cls"],
            () => !classifier.EnableFusion || classifier.EnablePatch);
    }

    private void ValidateSegmentor(SegmentorConfig segmentor)
    {
        Require("segmentor.fpn_scales", $"[{string.Join(", ", segmentor.FpnScales.Select(Text))}]", $"the scales {string.Join(", ", FpnScales.Select(Text))}, each once", [],
            () => segmentor.FpnScales.SequenceEqual(FpnScales));
        Between("segmentor.feature_size", segmentor.FeatureSize, 1, MaxSize);
        Between("segmentor.mask_feature_size", segmentor.MaskFeatureSize, 1, MaxSize);
        Between("segmentor.hidden_dim", segmentor.HiddenDim, 1, MaxSize);
        Between("segmentor.encoder_layers", segmentor.EncoderLayers, 1, MaxLayers);
        Between("segmentor.decoder_layers", segmentor.DecoderLayers, 2, MaxLayers);
        Between("segmentor.num_attention_heads", segmentor.AttentionHeads, 1, MaxSize);
        Between("segmentor.dim_feedforward", segmentor.DecoderFeedForward, 1, MaxSize);
        Between("segmentor.encoder_feedforward_dim", segmentor.EncoderFeedForward, 1, MaxSize);
        Between("segmentor.num_queries", segmentor.Queries, 1, MaxQueries);

        Require("segmentor.feature_size", segmentor.FeatureSize, $"a multiple of {NormGroups} (group normalisation)", [],
            () => segmentor.FeatureSize % NormGroups == 0);
        Require("segmentor.hidden_dim", segmentor.HiddenDim, "a multiple of 4 (position embedding)", [],
            () => segmentor.HiddenDim % 4 == 0);
        Divides("segmentor.num_attention_heads", segmentor.AttentionHeads, "segmentor.feature_size", segmentor.FeatureSize);
        Divides("segmentor.num_attention_heads", segmentor.AttentionHeads, "segmentor.hidden_dim", segmentor.HiddenDim);
    }

    private void ValidateLoss(LossConfig loss)
    {
        Between("loss.mask_weight", loss.MaskWeight, 0, MaxSize);
        Between("loss.class_weight", loss.ClassWeight, 0, MaxSize);
        Between("loss.dice_weight", loss.DiceWeight, 0, MaxSize);
        Between("loss.no_object_weight", loss.NoObjectWeight, 0, MaxSize);
        Between("loss.pixel_forge_weight", loss.PixelForgeWeight, 0, 1);
        Between("loss.pixel_poly_epsilon", loss.PixelPolyEpsilon, -1, MaxSize);
        Between("loss.tversky_alpha", loss.TverskyAlpha, 0, 1);
    }

    private static string Text(double value) => value.ToString(CultureInfo.InvariantCulture);

    private void Between(string setting, double value, double low, double high)
        => Require(setting, value, $"from {Text(low)} to {Text(high)}", [], () => value >= low && value <= high);

    private void Above(string setting, double value, double low, double high)
        => Require(setting, value, $"above {Text(low)} and at most {Text(high)}", [], () => value > low && value <= high);

    private void Divides(string setting, int value, string other, int whole)
        => Require(setting, value, $"a divisor of {nameOf(other)} {whole}", [other], () => whole % value == 0);

    private void Require(string setting, double value, string allowed, IReadOnlyList<string> alsoReads, Func<bool> holds)
        => Require(setting, Text(value), allowed, alsoReads, holds);

    /// <summary>A rule is left out where one of its inputs is known to be wrong: it would only blame the others.</summary>
    private void Require(string setting, string value, string allowed, IReadOnlyList<string> alsoReads, Func<bool> holds)
    {
        if (alsoReads.Append(setting).Any(input => errors.Has(nameOf(input))) || holds())
        {
            return;
        }

        errors.Add(nameOf(setting), $"{nameOf(setting)} is {value}, it must be {allowed}");
    }
}
