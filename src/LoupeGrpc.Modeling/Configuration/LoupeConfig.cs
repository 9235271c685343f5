namespace LoupeGrpc.Modeling.Configuration;

/// <summary>Everything about a Loupe model that its weights do not say by their shapes, and the sizes they do.</summary>
public sealed record LoupeConfig(BackboneConfig Backbone, ClassifierConfig Classifier, SegmentorConfig Segmentor, LossConfig Loss);

/// <summary>How the backbone pools its tokens for the global classifier.</summary>
public enum PoolType
{
    /// <summary>Attention pooling with a learned probe.</summary>
    Attn,

    /// <summary>The class token.</summary>
    Tok,

    /// <summary>The mean of all tokens.</summary>
    Avg,
}

/// <summary>The Perception Encoder ViT.</summary>
/// <param name="ImageSize">Side of the square input in pixels.</param>
/// <param name="MlpRatio">MLP width over <paramref name="Width"/>; the width is the integer part of the product.</param>
/// <param name="LayerScaleInit">Initial layer scale; null where the blocks have none.</param>
public sealed record BackboneConfig(
    int ImageSize,
    int PatchSize,
    int Width,
    int Layers,
    int Heads,
    double MlpRatio,
    bool UseClassToken,
    bool UsePositionEmbedding,
    bool UseRope,
    bool UseLnPre,
    bool UseLnPost,
    PoolType PoolType,
    int PoolerHeads,
    double? LayerScaleInit)
{
    /// <summary>Patches along one side.</summary>
    public int Grid => ImageSize / PatchSize;

    /// <summary>Patches of a picture: <see cref="Grid"/> squared.</summary>
    public int Patches => Grid * Grid;

    /// <summary><see cref="Patches"/>, and one more with a class token.</summary>
    public int Tokens => Patches + (UseClassToken ? 1 : 0);
}

/// <summary>The global and the patch classifier and their fusion.</summary>
public sealed record ClassifierConfig(double MlpRatio, int MlpLayers, bool EnablePatch, bool EnableFusion);

/// <summary>Feature pyramid, pixel decoder and masked-attention decoder.</summary>
/// <param name="DecoderLayers">As the authors count: one more than the decoder has.</param>
public sealed record SegmentorConfig(
    IReadOnlyList<double> FpnScales,
    int FeatureSize,
    int MaskFeatureSize,
    int HiddenDim,
    int EncoderLayers,
    int DecoderLayers,
    int AttentionHeads,
    int DecoderFeedForward,
    int EncoderFeedForward,
    int Queries,
    bool ConditionalQueries);

/// <summary>Weights and constants of the training criterion, used by adaptation.</summary>
public sealed record LossConfig(
    double MaskWeight,
    double ClassWeight,
    double DiceWeight,
    double NoObjectWeight,
    double PixelForgeWeight,
    double PixelPolyEpsilon,
    double TverskyAlpha);
