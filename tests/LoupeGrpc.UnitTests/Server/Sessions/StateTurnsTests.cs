using LoupeGrpc.Server.Sessions.Adaptation;
using Xunit;

namespace LoupeGrpc.UnitTests.Server.Sessions;

public sealed class StateTurnsTests
{
    [Fact]
    public async Task OneAtATimeAndFirstComeFirstServed()
    {
        const int Crowd = 20;
        using var turns = new StateTurns();
        var inside = 0;
        List<int> order = [];
        var first = await turns.EnterAsync();
        var others = Enumerable.Range(0, Crowd).Select(async number =>
        {
            using (await turns.EnterAsync())
            {
                Assert.Equal(1, Interlocked.Increment(ref inside));
                await Task.Yield();
                order.Add(number);
                Interlocked.Decrement(ref inside);
            }
        }).ToList();

        Assert.Empty(order);
        first.Dispose();
        await Task.WhenAll(others).WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);

        Assert.Equal(Enumerable.Range(0, Crowd), order);
    }
}
