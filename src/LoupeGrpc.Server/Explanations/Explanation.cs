using LoupeGrpc.Results;

namespace LoupeGrpc.Server.Explanations;

/// <summary>A sentence about a finding, and the fact in it for programs. Immutable.</summary>
/// <param name="Text">With its full stop.</param>
internal sealed record Explanation(ExplanationCode Code, IReadOnlyList<Number> Numbers, string Text);

/// <summary>A number of a sentence, as it was measured. Its name is one of <see cref="NumberKinds"/>.</summary>
internal readonly record struct Number(string Name, double Value)
{
    /// <summary>The number that a reader takes it for: 0.6f is 0.6, not 0.60000002.</summary>
    public static double Exact(float value) => Sentence.Exact(value);
}
