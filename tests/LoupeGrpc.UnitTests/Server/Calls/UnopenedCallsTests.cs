using LoupeGrpc.Server.Calls;
using Xunit;

namespace LoupeGrpc.UnitTests.Server.Calls;

public class UnopenedCallsTests
{
    [Fact]
    public void A_connection_has_half_and_all_have_the_limit()
    {
        var calls = new UnopenedCalls(4);
        Assert.True(calls.TryEnter("a") && calls.TryEnter("a"));
        Assert.False(calls.TryEnter("a"));
        Assert.True(calls.TryEnter("b") && calls.TryEnter("b"));
        Assert.False(calls.TryEnter("c"));

        calls.Leave("a");

        Assert.True(calls.TryEnter("c"));
        Assert.False(calls.TryEnter("a"));
    }

    [Fact]
    public void Those_refused_take_nothing()
    {
        var calls = new UnopenedCalls(2);
        Assert.True(calls.TryEnter("a"));
        for (var i = 0; i < 100; i++)
        {
            Assert.False(calls.TryEnter("a"));
        }

        calls.Leave("a");
        Assert.True(calls.TryEnter("a") && calls.TryEnter("b"));
    }
}
