namespace LoupeGrpc.Modeling.Configuration;

/// <summary>Our own form: every setting is said, none has a default.</summary>
internal static class OwnConfigForm
{
    internal static LoupeConfig Read(SettingsSection root)
    {
        var backbone = root.Section("backbone", required: true);
        var classifier = root.Section("classifier", required: true);
        var segmentor = root.Section("segmentor", required: true);
        var loss = root.Section("loss", required: true);
        var config = new LoupeConfig(
            new BackboneConfig(
                ImageSize: backbone.Int("image_size"),
                PatchSize: backbone.Int("patch_size"),
                Width: backbone.Int("width"),
                Layers: backbone.Int("layers"),
                Heads: backbone.Int("heads"),
                MlpRatio: backbone.Double("mlp_ratio"),
                UseClassToken: backbone.Bool("use_cls_token"),
                UsePositionEmbedding: backbone.Bool("use_abs_posemb"),
                UseRope: backbone.Bool("use_rope2d"),
                UseLnPre: backbone.Bool("use_ln_pre"),
                UseLnPost: backbone.Bool("use_ln_post"),
                PoolType: backbone.OneOf<PoolType>("pool_type"),
                PoolerHeads: backbone.Int("attn_pooler_heads"),
                LayerScaleInit: backbone.DoubleOrNull("ls_init_value", fallback: null, required: true)),
            new ClassifierConfig(
                MlpRatio: classifier.Double("cls_mlp_ratio"),
                MlpLayers: classifier.Int("cls_mlp_layers"),
                EnablePatch: classifier.Bool("enable_patch_cls"),
                EnableFusion: classifier.Bool("enable_cls_fusion")),
            new SegmentorConfig(
                FpnScales: segmentor.Doubles("fpn_scales"),
                FeatureSize: segmentor.Int("feature_size"),
                MaskFeatureSize: segmentor.Int("mask_feature_size"),
                HiddenDim: segmentor.Int("hidden_dim"),
                EncoderLayers: segmentor.Int("encoder_layers"),
                DecoderLayers: segmentor.Int("decoder_layers"),
                AttentionHeads: segmentor.Int("num_attention_heads"),
                DecoderFeedForward: segmentor.Int("dim_feedforward"),
                EncoderFeedForward: segmentor.Int("encoder_feedforward_dim"),
                Queries: segmentor.Int("num_queries"),
                ConditionalQueries: segmentor.Bool("enable_conditional_queries")),
            new LossConfig(
                MaskWeight: loss.Double("mask_weight"),
                ClassWeight: loss.Double("class_weight"),
                DiceWeight: loss.Double("dice_weight"),
                NoObjectWeight: loss.Double("no_object_weight"),
                PixelForgeWeight: loss.Double("pixel_forge_weight"),
                PixelPolyEpsilon: loss.Double("pixel_poly_epsilon"),
                TverskyAlpha: loss.Double("tversky_alpha")));
        foreach (var section in (ReadOnlySpan<SettingsSection>)[root, backbone, classifier, segmentor, loss])
        {
            section.RefuseUnknown();
        }

        return config;
    }
}
