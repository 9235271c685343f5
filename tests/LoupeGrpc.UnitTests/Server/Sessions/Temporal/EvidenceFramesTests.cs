using LoupeGrpc.Server.Sessions.Temporal;
using Xunit;

namespace LoupeGrpc.UnitTests.Server.Sessions.Temporal;

public sealed class EvidenceFramesTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(8)]
    [InlineData(9)]
    [InlineData(1000)]
    [InlineData(65_537)]
    public void They_are_the_best_of_as_many_parts_whatever_the_length(int count)
    {
        var random = new Random(count);
        var scores = Enumerable.Range(0, count).Select(_ => random.Next(1000) / 1000f).ToArray();
        var evidence = new EvidenceFrames();
        for (int i = 0; i < count; i++)
        {
            evidence.Add((ulong)i, new EvidenceFrame((ulong)i, null, scores[i]));
        }

        int length = 1;
        while (count > length * EvidenceFrames.MostParts)
        {
            length *= 2;
        }

        var best = scores.Index().Chunk(length).Select(static part => part.OrderByDescending(static frame => frame.Item).ThenBy(static frame => frame.Index).First());
        var expected = best.OrderByDescending(static frame => frame.Item).ThenBy(static frame => frame.Index).Take(4).Select(static frame => (ulong)frame.Index).Order();
        Assert.Equal(expected, evidence.ToList().Select(static frame => frame.Sequence));
    }

    [Fact]
    public void Of_scores_that_rise_for_ever_it_is_not_the_last_few_frames()
    {
        var evidence = new EvidenceFrames();
        for (int i = 0; i < 4096; i++)
        {
            evidence.Add((ulong)i, new EvidenceFrame((ulong)i, null, i / 4096f));
        }

        Assert.Equal([2559ul, 3071ul, 3583ul, 4095ul], evidence.ToList().Select(static frame => frame.Sequence));
    }
}
