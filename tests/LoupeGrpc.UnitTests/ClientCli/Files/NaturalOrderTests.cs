using LoupeGrpc.Client.Cli.Files;
using Xunit;

namespace LoupeGrpc.UnitTests.ClientCli.Files;

public class NaturalOrderTests
{
    [Theory]
    [InlineData("1.jpg 2.jpg 10.jpg 11.jpg 100.jpg")]
    [InlineData("a1-9.png a1-10.png a2-1.png a10.png b1.png")]
    [InlineData("frame-007.png frame-8.png frame-0009.png frame-10.png frame.png")]
    [InlineData("cam1_99999999999999999999998.png cam1_99999999999999999999999.png cam1_100000000000000000000000.png")]
    [InlineData("0 00 000 01 1 a")]
    [InlineData("A.png B.png a.png")]
    public void Numbers_count_by_their_value(string names)
    {
        var expected = names.Split(' ');

        Assert.Equal(expected, expected.Reverse().Order(NaturalOrder.Instance));
        Assert.Equal(expected, expected.OrderBy(name => name.GetHashCode(StringComparison.Ordinal)).Order(NaturalOrder.Instance));
    }

    [Fact]
    public void Different_names_are_never_the_same() => Assert.NotEqual(0, NaturalOrder.Instance.Compare("01", "1"));
}
