using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.Server.Sessions.Adaptation;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace LoupeGrpc.UnitTests.Server.Sessions;

public sealed class AdaptationBudgetTests : IDisposable
{
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().AddSingleton<SessionMetrics>().BuildServiceProvider();
    private readonly List<string> _evicted = [];

    public void Dispose() => _services.Dispose();

    [Fact]
    public void As_many_as_are_needed_are_evicted_the_least_recently_used_first()
    {
        var budget = NewBudget(100);
        var (first, second, third) = (Share("first", 40), Share("second", 40), Share("third", 20));
        Assert.All([first, second, third], share => Assert.True(budget.TryTake(share)));
        Assert.Equal((100, 0ul), (budget.Used, budget.Evictions));
        budget.Touch(first);
        Assert.True(budget.TryTake(Share("fourth", 50)));
        Assert.Equal(["second", "third"], _evicted);
        Assert.Equal((90, 2ul), (budget.Used, budget.Evictions));
    }

    [Fact]
    public void Whoever_has_as_many_as_it_may_gives_up_its_own_and_nobody_elses()
    {
        var budget = NewBudget(1000);
        Assert.True(budget.TryTake(Share("other", 10)));
        var first = Share("first", 10, "gate", 2);
        Assert.All([first, Share("second", 10, "gate", 2)], share => Assert.True(budget.TryTake(share)));
        budget.Touch(first);

        Assert.True(budget.TryTake(Share("third", 10, "gate", 2)));

        Assert.Equal(["second"], _evicted);
        Assert.Equal(30, budget.Used);
    }

    [Fact]
    public void What_is_larger_than_the_limit_evicts_nobody()
    {
        var budget = NewBudget(100);
        Assert.True(budget.TryTake(Share("first", 100)));
        Assert.False(budget.TryTake(Share("second", 101)));
        Assert.Empty(_evicted);
        Assert.Equal(100, budget.Used);
        Assert.False(NewBudget(0).TryTake(Share("third", 1)));
    }

    [Fact]
    public void What_was_evicted_or_given_back_counts_no_more_and_cannot_be_used_again()
    {
        var budget = NewBudget(100);
        var (first, second) = (Share("first", 60), Share("second", 60));
        budget.TryTake(first);
        budget.TryTake(second);
        budget.Touch(first);
        budget.Return(first);
        Assert.Equal(60, budget.Used);
        budget.Return(second);
        budget.Return(second);
        Assert.Equal(0, budget.Used);
        Assert.True(budget.TryTake(Share("third", 100)));
        Assert.Equal(["first"], _evicted);
    }

    [Fact]
    public void An_owner_may_use_the_budget_while_it_is_told()
    {
        var budget = NewBudget(100);
        budget.TryTake(new StateShare(60, share =>
        {
            budget.Touch(share);
            budget.Return(share);
            _evicted.Add($"{budget.Used}");
        }));
        budget.TryTake(Share("second", 60));
        Assert.Equal(["60"], _evicted);
    }

    private AdaptationBudget NewBudget(long bytes) => new(
        new LoupeOptions { Adaptation = new AdaptationOptions { MaxStateBytes = bytes } }, _services.GetRequiredService<SessionMetrics>());

    private StateShare Share(string name, long bytes, string owner = "", int most = 0) => new(bytes, _ => _evicted.Add(name)) { Owner = owner, OwnersMost = most };
}
