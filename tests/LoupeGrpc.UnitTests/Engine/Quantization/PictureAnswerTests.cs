using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Quantization;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine.Quantization;

public sealed class PictureAnswerTests
{
    private const int Pixels = 100_000;

    [Theory]
    [InlineData(0, 0, 0, 0, 1)]
    [InlineData(0, 1000, 0, 1000, 1)]
    [InlineData(0, 1000, 500, 1500, 500.0 / 1500)]
    [InlineData(0, 1000, 1000, 2000, 0)]
    [InlineData(0, 0, 0, 10, 1)]
    [InlineData(0, 0, 0, 11, 0)]
    [InlineData(0, 20, 0, 30, 1)]
    [InlineData(0, 20, 0, 31, 20.0 / 31)]
    public void Overlap_is_what_both_have_of_what_either_has_and_next_to_nothing_is_nothing(int first, int end, int otherFirst, int otherEnd, double iou)
    {
        var (one, other) = (Answer(0.5f, first, end), Answer(0.5f, otherFirst, otherEnd));
        Assert.Equal(iou, one.Iou(other), 1e-12);
        Assert.Equal(iou, other.Iou(one), 1e-12);
    }

    [Fact]
    public void Masks_of_pictures_that_get_one_count()
    {
        PictureAnswer[] expected = [Answer(0.39f, 0, 1000), Answer(0.4f, 0, 1000)];
        PictureAnswer[] actual = [Answer(0.394f, 0, 500), Answer(0.4f, 0, 900)];
        var distances = AnswerDistances.Of(expected, actual);
        Assert.Equal([0.9], distances.Ious);
        Assert.Equal(0.004, distances.Scores.Max(), 1e-6);
        Assert.Equal([0.5], AnswerDistances.Of(expected[..1], actual[..1]).Ious);
    }

    [Theory]
    [InlineData(0.005, 1, 1)]
    [InlineData(0.0025, 0.985, 0.5)]
    [InlineData(0, 0.94, 2)]
    [InlineData(0.02, 0.97, 4)]
    public void What_takes_more_of_the_bound_decides(double score, double iou, double share) =>
        Assert.Equal(share, QuantizationBound.Default.ShareOf(score, iou), 1e-9);

    [Fact]
    public void A_score_that_is_no_number_is_beyond_every_bound() =>
        Assert.Equal(double.PositiveInfinity, AnswerDistances.Of([Answer(0.1f, 0, 0)], [Answer(float.NaN, 0, 0)]).ShareOf(QuantizationBound.Default));

    private static PictureAnswer Answer(float score, int first, int end)
    {
        var mask = new byte[Pixels];
        mask.AsSpan(first, end - first).Fill(1);
        return new PictureAnswer(score, mask);
    }
}
