using System.Text.Json;
using LoupeGrpc.Packaging;
using Xunit;

namespace LoupeGrpc.UnitTests.Packaging;

public sealed class ActivationRangeTests
{
    [Theory]
    [InlineData(0f, 2.55f, 0.01f, 0)]
    [InlineData(-2.55f, 0f, 0.01f, 255)]
    [InlineData(-1f, 1.55f, 0.01f, 100)]
    [InlineData(-0.17f, 12.75f, 12.92f / 255, 3)]
    public void Scale_and_zero_point_follow_from_the_range(float low, float high, float scale, int zeroPoint)
    {
        var range = ActivationRange.Of(low, high);
        Assert.Equal((low, high), (range.Low, range.High));
        Assert.Equal(scale, range.Scale, 1e-7);
        Assert.Equal(zeroPoint, range.ZeroPoint);
        Assert.True(range.IsValid);

        // Neither end is cut off by more than half a step.
        Assert.InRange((0 - range.ZeroPoint) * range.Scale, low - (0.5f * scale), low + (0.5f * scale));
        Assert.InRange((255 - range.ZeroPoint) * range.Scale, high - (0.5f * scale), high + (0.5f * scale));
    }

    [Theory]
    [InlineData(3f, 7f, 0f, 7f)]
    [InlineData(-7f, -3f, -7f, 0f)]
    [InlineData(0f, 0f, -1f, 1f)]
    public void Zero_is_always_one_of_the_values(float smallest, float largest, float low, float high) =>
        Assert.Equal(new ActivationRange(low, high), ActivationRange.Of(smallest, largest));

    [Theory]
    [InlineData(1f, 2f)]
    [InlineData(-2f, -1f)]
    [InlineData(0f, 0f)]
    [InlineData(0f, float.NaN)]
    [InlineData(float.NegativeInfinity, 0f)]
    [InlineData(float.MinValue, float.MaxValue)]
    [InlineData(0f, float.Epsilon)]
    public void What_no_scale_can_be_made_of_is_not_valid(float low, float high) => Assert.False(new ActivationRange(low, high).IsValid);

    [Fact]
    public void The_manifest_holds_the_ends_to_the_last_bit()
    {
        var range = new ActivationRange(-0.16999f, 1 / 3f);
        Assert.Equal(range, JsonSerializer.Deserialize<ActivationRange>(JsonSerializer.Serialize(range)));
    }
}
