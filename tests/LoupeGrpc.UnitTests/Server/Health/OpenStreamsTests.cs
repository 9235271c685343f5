using LoupeGrpc.Server.Health;
using Xunit;

namespace LoupeGrpc.UnitTests.Server.Health;

public sealed class OpenStreamsTests
{
    [Fact]
    public async Task The_end_is_when_the_last_has_ended()
    {
        var streams = new OpenStreams();
        await streams.EndAsync();
        var (first, second) = (streams.Open(), streams.Open());

        var end = streams.EndAsync();
        first.Dispose();
        first.Dispose();

        Assert.Equal(1, streams.Count);
        Assert.False(end.IsCompleted);
        second.Dispose();
        await end;
        Assert.Equal(0, streams.Count);
    }
}
