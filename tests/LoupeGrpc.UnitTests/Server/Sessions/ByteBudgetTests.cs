using LoupeGrpc.Server.Sessions;
using Xunit;

namespace LoupeGrpc.UnitTests.Server.Sessions;

public class ByteBudgetTests
{
    [Fact]
    public async Task Who_finds_no_room_waits_in_turn()
    {
        using var budget = new ByteBudget(4096);
        var first = await budget.AcquireAsync(4096, TestContext.Current.CancellationToken);
        Assert.Equal(4096, budget.Held);
        Assert.Null(budget.TryAcquire(1));
        var second = budget.AcquireAsync(3000, TestContext.Current.CancellationToken).AsTask();
        var third = budget.AcquireAsync(1, TestContext.Current.CancellationToken).AsTask();
        Assert.False(second.IsCompleted);
        Assert.False(third.IsCompleted);
        first.Dispose();
        (await second).Dispose();
        (await third).Dispose();
        Assert.Equal(0, budget.Held);
    }

    [Fact]
    public async Task What_is_larger_than_the_whole_passes_alone()
    {
        using var budget = new ByteBudget(4096);
        var small = budget.TryAcquire(1);
        Assert.NotNull(small);
        Assert.Null(budget.TryAcquire(1 << 20));
        small.Dispose();
        using var large = await budget.AcquireAsync(1 << 20, TestContext.Current.CancellationToken);
        Assert.Null(budget.TryAcquire(1));
    }

    [Fact]
    public async Task Who_gives_up_waiting_takes_nothing()
    {
        using var budget = new ByteBudget(4096);
        using var all = budget.TryAcquire(4096)!;
        using var giveUp = new CancellationTokenSource();
        var waiting = budget.AcquireAsync(1024, giveUp.Token).AsTask();
        await giveUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        all.Dispose();
        Assert.Equal(0, budget.Held);
    }
}
