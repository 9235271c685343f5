namespace LoupeGrpc.Modeling.Configuration;

/// <summary>The sizes in which the Perception Encoder is published, by the name that the authors' settings use.</summary>
internal static class PublishedBackbones
{
    private static readonly BackboneConfig Large = new(
        ImageSize: 336,
        PatchSize: 14,
        Width: 1024,
        Layers: 24,
        Heads: 16,
        MlpRatio: 4,
        UseClassToken: true,
        UsePositionEmbedding: true,
        UseRope: true,
        UseLnPre: true,
        UseLnPost: true,
        PoolType: PoolType.Attn,
        PoolerHeads: 8,
        LayerScaleInit: null);

    private static readonly BackboneConfig Giant = Large with
    {
        ImageSize = 448,
        Width = 1536,
        Layers = 50,
        MlpRatio = 8960.0 / 1536,
        UseClassToken = false,
    };

    /// <summary>Published without pooling: its settings have to choose one.</summary>
    internal const string WithoutPool = "PE-Spatial-G14-448";

    internal const string Default = "PE-Core-L14-336";

    internal static IReadOnlyDictionary<string, BackboneConfig> ByName { get; } = new Dictionary<string, BackboneConfig>(StringComparer.Ordinal)
    {
        [Default] = Large,
        ["PE-Core-B16-224"] = Large with { ImageSize = 224, PatchSize = 16, Width = 768, Layers = 12, Heads = 12 },
        ["PE-Core-G14-448"] = Giant,
        [WithoutPool] = Giant with { UseLnPost = false, LayerScaleInit = 0.1 },
    };
}
