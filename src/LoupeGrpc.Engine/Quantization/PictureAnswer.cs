using System.Numerics.Tensors;

namespace LoupeGrpc.Engine.Quantization;

/// <summary>What a model says of a picture, as users see it.</summary>
/// <param name="Mask">At the size in which queries are summed: 1 forged, 0 not.</param>
internal sealed record PictureAnswer(float Score, byte[] Mask)
{
    /// <summary>Pixels at the rim of a mask may differ where there is next to no mask: as a share of the picture.</summary>
    private const double Negligible = 1e-4;

    public double ScoreDifference(PictureAnswer other) => double.IsFinite(other.Score) ? Math.Abs((double)Score - other.Score) : double.PositiveInfinity;

    /// <summary>1 for two empty masks too, and for two that differ by next to nothing of the picture.</summary>
    public double Iou(PictureAnswer other)
    {
        int differing = TensorPrimitives.HammingDistance<byte>(Mask, other.Mask);
        if (differing <= Negligible * Mask.Length)
        {
            return 1;
        }

        // What both have, by what each has and where they differ.
        long both = (Mask.AsSpan().Count((byte)1) + (long)other.Mask.AsSpan().Count((byte)1) - differing) / 2;
        return (double)both / (both + differing);
    }
}

/// <summary>How far answers are from others.</summary>
/// <param name="Scores">By picture.</param>
/// <param name="Ious">By picture of those that get a mask unless a client asks for all or none: what counts as authentic is not asked for one.</param>
internal sealed record AnswerDistances(IReadOnlyList<double> Scores, IReadOnlyList<double> Ious)
{
    /// <summary>Below it a verdict is authentic, unless settings say otherwise.</summary>
    private const float Suspected = 0.4f;

    /// <param name="expected">One at least. Where none of them is suspected, all of their masks count.</param>
    public static AnswerDistances Of(IReadOnlyList<PictureAnswer> expected, IReadOnlyList<PictureAnswer> actual)
    {
        var pairs = expected.Zip(actual).ToList();
        var masked = pairs.Where(static pair => pair.First.Score >= Suspected).ToList();
        return new AnswerDistances(
            pairs.ConvertAll(static pair => pair.First.ScoreDifference(pair.Second)),
            (masked.Count > 0 ? masked : pairs).ConvertAll(static pair => pair.First.Iou(pair.Second)));
    }

    public double ShareOf(QuantizationBound bound) => bound.ShareOf(Scores.Max(), Ious.Min());

    public override string ToString() => FormattableString.Invariant(
        $"scores differ by {Scores.Average():0.0000} on average and {Scores.Max():0.0000} at most, masks overlap by an IoU of {Ious.Average():0.000} on average and {Ious.Min():0.000} at least");
}
