using LoupeGrpc.Client.Cli.Inputs;
using Xunit;

namespace LoupeGrpc.UnitTests.ClientCli;

public class FrameSamplerTests
{
    [Theory]
    [InlineData(12, 3, new[] { 0, 4, 8, 12, 16, 20 })]
    [InlineData(12, 5, new[] { 0, 3, 5, 8, 10, 12, 15, 17, 20, 22 })]
    [InlineData(30, 29.97, new[] { 0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23 })]
    [InlineData(12, 0.5, new[] { 0 })]
    public void The_first_frame_of_each_interval_is_taken(double framesPerSecond, double perSecond, int[] expected)
    {
        var sampler = new FrameSampler(perSecond);

        Assert.Equal(expected, Enumerable.Range(0, 24).Where(index => sampler.Takes(index / framesPerSecond)));
    }

    [Fact]
    public void Without_a_rate_all_are_taken() => Assert.All(Enumerable.Range(0, 9), index => Assert.True(new FrameSampler(null).Takes(index)));

    [Theory]
    [InlineData(72L, 12.0, null, long.MaxValue, 72L)]
    [InlineData(72L, 12.0, 2.0, long.MaxValue, 12L)]
    [InlineData(72L, 12.0, 2.0, 5L, 5L)]
    [InlineData(72L, null, 2.0, long.MaxValue, 72L)]
    [InlineData(null, 12.0, 2.0, long.MaxValue, null)]
    [InlineData(null, null, null, 5L, 5L)]
    public void How_many_will_be_taken_is_known_where_the_source_says(long? frames, double? framesPerSecond, double? perSecond, long most, long? expected) =>
        Assert.Equal(expected, new SamplingOptions(perSecond, most, TimeProvider.System).CountOf(frames, framesPerSecond));
}
