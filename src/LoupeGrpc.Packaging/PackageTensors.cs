namespace LoupeGrpc.Packaging;

/// <summary>
/// Names of graph inputs and outputs, and of the tensors in <see cref="PackageLayout.SelfCheck"/> and <see cref="PackageLayout.Theta"/>.
/// B is the batch, S the image side, g the patch grid, N = g², T = N (+1 with a class token), Q the queries, L the decoder's predictions, H its width, M the mask features.
/// </summary>
public static class PackageTensors
{
    /// <summary>Encoder input [B,3,S,S]; self-check [1,3,S,S].</summary>
    public const string PixelValues = "pixel_values";

    /// <summary>Encoder output and segmentor input [B,T,C].</summary>
    public const string Features = "features";

    /// <summary>Encoder output [B,1]; its sigmoid is the score.</summary>
    public const string ClsLogit = "cls_logit";

    /// <summary>Encoder output [B,N], row-major over the grid.</summary>
    public const string PatchLogits = "patch_logits";

    /// <summary>Segmentor input [B]: the score, 0 to 1.</summary>
    public const string PseudoLabel = "pseudo_label";

    /// <summary>Segmentor output [B,Q,4g,4g].</summary>
    public const string MaskLogits = "mask_logits";

    /// <summary>Segmentor output [B,Q,2]: forged, nothing.</summary>
    public const string ClassLogits = "class_logits";

    /// <summary>Segmentor output [B,L,Q,H], before the decoder's shared layer norm: the initial queries and what each layer left.</summary>
    public const string HiddenStates = "hidden_states";

    /// <summary>Segmentor output [B,M,4g,4g].</summary>
    public const string MaskFeatures = "mask_features";

    /// <summary>Adapt input [B,N]: the sigmoid of <see cref="PatchLogits"/>, 0 to 1.</summary>
    public const string PatchProbabilities = "patch_probs";

    /// <summary>Adapt output [B].</summary>
    public const string Loss = "loss";

    /// <summary>Adapt output [B,L], int64: the query that each prediction's mask loss was taken of; -1 for a picture that counts as authentic.</summary>
    public const string MatchedQuery = "matched_query";

    /// <summary>Adapt output [B,P]: the gradients of the tensors in <see cref="Adapted"/>, each row-major, one behind the other.</summary>
    public const string Gradients = "gradients";

    /// <summary>
    /// What one graph leaves for another and nobody else reads. They alone may be fp16, where <see cref="PrecisionFiles.HalfTensors"/> says so;
    /// every other input and output is fp32 in every precision (<see cref="MatchedQuery"/> apart).
    /// </summary>
    public static IReadOnlyList<string> BetweenGraphs { get; } = [Features, HiddenStates, MaskFeatures];

    /// <summary>
    /// The tensors that adaptation changes, in the order of the state's hash. Segmentor inputs of these names have a leading B,
    /// so that each picture of a batch may bring its own session's values.
    /// </summary>
    public static IReadOnlyList<string> Adapted { get; } =
    [
        "decoder.layernorm.weight",
        "decoder.layernorm.bias",
        "mask_embedder.0.0.weight",
        "mask_embedder.0.0.bias",
        "mask_embedder.1.0.weight",
        "mask_embedder.1.0.bias",
        "mask_embedder.2.0.weight",
        "mask_embedder.2.0.bias",
        "class_predictor.weight",
        "class_predictor.bias",
    ];
}
