namespace LoupeGrpc.Modeling.Configuration;

/// <summary>
/// The authors' settings file as their launcher resolves it: only what differs from the published model is said, <c>'-'</c> keeps a default,
/// and everything that is about training is passed over.
/// </summary>
internal static class AuthorsConfigForm
{
    private const string Model = "model";
    private const string BackboneOverrides = "backbone_overrides";
    private const string HeadOverrides = "mask2former_overrides";

    /// <summary>Settings of our form that stand in <c>model</c> itself and not in its overrides.</summary>
    private static readonly HashSet<string> InModel = ["fpn_scales", "enable_conditional_queries", "pixel_forge_weight", "pixel_poly_epsilon", "tversky_alpha"];

    /// <summary>The name here of a setting of our own form.</summary>
    internal static string NameOf(string ownName)
    {
        var dot = ownName.IndexOf('.', StringComparison.Ordinal);
        var key = ownName[(dot + 1)..];
        return ownName[..dot] switch
        {
            "backbone" => $"{Model}.{BackboneOverrides}.{key}",
            "segmentor" or "loss" when !InModel.Contains(key) => $"{Model}.{HeadOverrides}.{key}",
            _ => $"{Model}.{key}",
        };
    }

    internal static LoupeConfig Read(SettingsSection root)
    {
        var model = root.Section(Model, required: true);
        var head = model.Section(HeadOverrides, required: false);
        model.Only("hidden_act", "gelu");
        var config = new LoupeConfig(
            ReadBackbone(model),
            new ClassifierConfig(
                MlpRatio: model.Double("cls_mlp_ratio", 2),
                MlpLayers: model.Int("cls_mlp_layers", 2),
                EnablePatch: model.Bool("enable_patch_cls", true),
                EnableFusion: model.Bool("enable_cls_fusion", true)),
            new SegmentorConfig(
                FpnScales: ReadScales(model),
                FeatureSize: head.Int("feature_size", 256),
                MaskFeatureSize: head.Int("mask_feature_size", 256),
                HiddenDim: head.Int("hidden_dim", 256),
                EncoderLayers: head.Int("encoder_layers", 6),
                DecoderLayers: head.Int("decoder_layers", 10),
                AttentionHeads: head.Int("num_attention_heads", 8),
                DecoderFeedForward: head.Int("dim_feedforward", 2048),
                EncoderFeedForward: head.Int("encoder_feedforward_dim", 1024),
                Queries: head.Int("num_queries", 20),
                ConditionalQueries: model.Bool("enable_conditional_queries", true)),
            new LossConfig(
                MaskWeight: head.Double("mask_weight", 5),
                ClassWeight: head.Double("class_weight", 2),
                DiceWeight: head.Double("dice_weight", 5),
                NoObjectWeight: head.Double("no_object_weight", 0.1),
                PixelForgeWeight: model.Double("pixel_forge_weight", 0.8),
                PixelPolyEpsilon: model.Double("pixel_poly_epsilon", 1),
                TverskyAlpha: model.Double("tversky_alpha", 0.3)));

        // What would make another graph of it, and what only training and loading ask for.
        head.Only("activation_function", "relu");
        head.Only("pre_norm", "false");
        head.Only("enforce_input_projection", "false");
        head.Only("common_stride", "4");
        head.OnlyCount("id2label", 1);
        head.OnlyCount("label2id", 1);
        head.Ignore(
            "dropout", "ignore_value", "train_num_points", "oversample_ratio", "importance_sample_ratio", "init_std", "init_xavier_std",
            "use_auxiliary_loss", "output_auxiliary_logits", "feature_strides", "backbone", "backbone_config", "backbone_kwargs",
            "use_pretrained_backbone", "use_timm_backbone", "num_labels", "model_type", "torch_dtype", "initializer_range");
        head.RefuseUnknown();
        return config;
    }

    private static BackboneConfig ReadBackbone(SettingsSection model)
    {
        var name = model.Text("backbone_name") ?? PublishedBackbones.Default;
        if (!PublishedBackbones.ByName.TryGetValue(name, out var published))
        {
            model.Refuse("backbone_name", $"one of {string.Join(", ", PublishedBackbones.ByName.Keys)}");
            published = PublishedBackbones.ByName[PublishedBackbones.Default];
        }

        var overrides = model.Section(BackboneOverrides, required: false);
        var backbone = new BackboneConfig(
            ImageSize: overrides.Int("image_size", published.ImageSize),
            PatchSize: overrides.Int("patch_size", published.PatchSize),
            Width: overrides.Int("width", published.Width),
            Layers: overrides.Int("layers", published.Layers),
            Heads: overrides.Int("heads", published.Heads),
            MlpRatio: overrides.Double("mlp_ratio", published.MlpRatio),
            UseClassToken: overrides.Bool("use_cls_token", published.UseClassToken),
            UsePositionEmbedding: overrides.Bool("use_abs_posemb", published.UsePositionEmbedding),
            UseRope: overrides.Bool("use_rope2d", published.UseRope),
            UseLnPre: overrides.Bool("use_ln_pre", published.UseLnPre),
            UseLnPost: overrides.Bool("use_ln_post", published.UseLnPost),
            PoolType: overrides.OneOf<PoolType>("pool_type", name == PublishedBackbones.WithoutPool ? null : published.PoolType),
            PoolerHeads: overrides.Int("attn_pooler_heads", published.PoolerHeads),
            LayerScaleInit: overrides.DoubleOrNull("ls_init_value", published.LayerScaleInit, required: false));
        overrides.Only("output_dim", "null");
        overrides.Ignore("drop_path");
        overrides.RefuseUnknown();
        return backbone;
    }

    /// <summary>The authors leave out scale 1, which is always there; their order says nothing.</summary>
    private static List<double> ReadScales(SettingsSection model)
        => [.. model.Doubles("fpn_scales", LoupeConfigRules.FpnScales).Append(1).Distinct().OrderDescending()];
}
