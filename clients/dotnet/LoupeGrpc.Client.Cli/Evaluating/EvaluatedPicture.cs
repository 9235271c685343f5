using LoupeGrpc.Client.Masks;
using LoupeGrpc.Quality;
using LoupeGrpc.V1;

namespace LoupeGrpc.Client.Cli.Evaluating;

/// <summary>What was said about a picture of which the truth is known.</summary>
/// <param name="Case">The truth.</param>
/// <param name="Score">Finite.</param>
/// <param name="Pixels">Its mask beside the truth; null where one of them is not known.</param>
internal sealed record EvaluatedPicture(TruthCase Case, double Score, PixelCounts? Pixels)
{
    public Verdict Verdict { get; init; }

    /// <summary>The mask, read or decoded again when somebody wants to see it: pixels of thousands of pictures are not kept.</summary>
    public Func<BinaryMask?> Mask { get; init; } = static () => null;

    public JudgedPicture Judged => new(Case.IsForged, Score, Pixels);
}

/// <summary>A picture, or a mask of one, that has no part in the figures.</summary>
/// <param name="Path">As shown to people.</param>
/// <param name="Message">Why.</param>
internal sealed record EvaluationFailure(string Path, string Message);

/// <summary>A set of pictures as it was judged under one condition.</summary>
/// <param name="Pictures">In the order of the list, without those that failed.</param>
/// <param name="Failures">What failed.</param>
internal sealed record JudgedSet(IReadOnlyList<EvaluatedPicture> Pictures, IReadOnlyList<EvaluationFailure> Failures);
