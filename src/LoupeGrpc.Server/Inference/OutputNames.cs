namespace LoupeGrpc.Server.Inference;

/// <summary>The tensors of an answer.</summary>
internal static class OutputNames
{
    public const string Score = "score";
    public const string Verdict = "verdict";
    public const string Mask = "mask";
    public const string MaskSize = "mask_size";
    public const string SoftMask = "soft_mask";

    /// <summary>Those of an answer that nobody chose.</summary>
    public static IReadOnlyList<string> Usual { get; } = [Score, Verdict, Mask, MaskSize];

    /// <summary>All, with datatype and shape; -1: free.</summary>
    public static IReadOnlyList<(string Name, string Datatype, long[] Shape)> All { get; } =
    [
        (Score, FloatTensor.Type, [-1]), (Verdict, TextTensor.Type, [-1]), (Mask, TextTensor.Type, [-1]), (MaskSize, IntegerTensor.Type, [-1, 2]), (SoftMask, FloatTensor.Type, [-1, -1, -1]),
    ];

    /// <param name="wanted">Empty: the usual ones.</param>
    /// <param name="model">For people.</param>
    /// <exception cref="InferenceException"/>
    public static IReadOnlyList<string> Check(IReadOnlyList<string> wanted, string model)
    {
        foreach (var name in wanted)
        {
            if (All.All(known => known.Name != name))
            {
                throw InferenceException.Invalid(
                    $"unexpected inference output '{ShownText.Of(name)}' for model '{model}': expected {string.Join(", ", All.Select(static known => known.Name))}");
            }
        }

        return wanted.Count == 0 ? Usual
            : wanted.Distinct(StringComparer.Ordinal).Count() == wanted.Count ? wanted
            : throw InferenceException.Invalid($"an inference output of model '{model}' is asked for twice");
    }
}
