namespace LoupeGrpc.Server.Inference;

/// <summary>What is wrong with the inputs of a request that are not one.</summary>
internal static class InputCount
{
    public static InferenceException Wrong(string model, IEnumerable<string> names)
    {
        var sent = names.ToList();
        var missing = sent.Contains(ImageShape.Name) ? string.Empty : $", but missing required input(s) ['{ImageShape.Name}']. Please provide all required input(s)";
        return InferenceException.Invalid(
            $"expected 1 inputs but got {sent.Count} inputs for model '{model}'. Got input(s) [{string.Join(',', sent.Take(8).Select(static name => $"'{ShownText.Of(name)}'"))}]{missing}.");
    }
}

/// <summary>Parameters of single tensors: most change nothing here.</summary>
internal static class TensorParameters
{
    /// <exception cref="InferenceException">One asks for what would be missed.</exception>
    public static void Check(IEnumerable<string> names)
    {
        if (names.FirstOrDefault(static name => name is "classification" || name.StartsWith("shared_memory", StringComparison.Ordinal)) is { } name)
        {
            throw InferenceException.Of(new Engine.FrameFailure(Engine.FailureKind.Unsupported, $"tensor parameter '{name}' is not supported: send whole tensors with the request"));
        }
    }
}
