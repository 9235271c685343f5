using LoupeGrpc.Engine.Queueing;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine.Queueing;

public sealed class StageQueueTests
{
    [Fact]
    public void What_came_first_is_taken_first_and_what_was_put_back_before_it()
    {
        var queue = NewQueue("a", "b");
        queue.PutBack(["x", "y"]);
        queue.PutBack("w");

        Assert.Equal(["w", "x", "y", "a", "b"], Enumerable.Range(0, 5).Select(_ => queue.Take()));
    }

    [Fact]
    public void A_taker_may_choose()
    {
        var queue = NewQueue("a", "b", "c", "d");
        List<string> taken = [];

        Assert.True(queue.TryTake(waiting =>
        {
            taken.AddRange(waiting.Where(static item => item is "b" or "d"));
            waiting.RemoveAll(taken.Contains);
        }));

        Assert.Equal(["b", "d"], taken);
        Assert.Equal(["a", "c"], new[] { queue.Take(), queue.Take() });
    }

    [Fact]
    public void What_is_taken_out_of_the_middle_belongs_to_who_took_it()
    {
        var queue = NewQueue("a", "b", "c");

        Assert.True(queue.TryRemove("b"));
        Assert.False(queue.TryRemove("b"));
        Assert.Equal(["a", "c"], new[] { queue.Take(), queue.Take() });
        Assert.Equal(0, queue.Count);
    }

    [Fact]
    public async Task A_taker_waits_for_what_comes()
    {
        var queue = NewQueue();
        var taking = Task.Run(queue.Take, TestContext.Current.CancellationToken);
        queue.Add("a");
        Assert.Equal("a", await taking);
    }

    [Fact]
    public void It_tells_what_its_head_is()
    {
        var queue = new StageQueue<string>("the test", capacity: 8, static item => item.StartsWith('!'));
        Assert.Null(queue.HeadIsUrgent);
        queue.Add("a");
        Assert.False(queue.HeadIsUrgent);
        queue.Add("!b");
        Assert.True(queue.HeadIsUrgent);
        Assert.Equal("!b", queue.TryTake());
        Assert.False(queue.HeadIsUrgent);
        Assert.Equal("a", queue.TryTake());
        Assert.Null(queue.HeadIsUrgent);
        Assert.Null(queue.TryTake());
    }

    [Fact]
    public async Task A_closed_queue_is_emptied_and_lets_its_takers_go()
    {
        var queue = NewQueue();
        var waiting = Enumerable.Range(0, 3).Select(_ => Task.Run(queue.Take, TestContext.Current.CancellationToken)).ToList();
        queue.Close();
        Assert.All(await Task.WhenAll(waiting), Assert.Null);

        queue.Add("late");
        Assert.Equal("late", queue.Take());
        Assert.Null(queue.Take());
        Assert.False(queue.TryTake(static _ => Assert.Fail("there is nothing to choose from")));
    }

    [Fact]
    public void More_than_was_admitted_is_a_fault()
    {
        var queue = NewQueue("a", "b", "c", "d");

        Assert.Contains("5 of 4", Assert.Throws<InvalidOperationException>(() => queue.Add("e")).Message, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => queue.AddRange(["e"]));
    }

    [Fact]
    public void What_is_urgent_goes_before_the_rest_and_behind_what_is_as_urgent()
    {
        var queue = new StageQueue<string>("the test", capacity: 8, static item => item.StartsWith('!'));
        queue.Add("a");
        queue.Add("!b");
        queue.AddRange(["c", "!d"]);
        queue.Close();
        Assert.Equal(["!b", "!d", "a", "c"], Enumerable.Range(0, 4).Select(_ => queue.Take()));
        Assert.Null(queue.Take());
    }

    [Theory]
    [InlineData("t1 t2 t3 a b", "t1 a t2 b t3")]
    [InlineData("a t1 t2 b t3 c", "a t1 b t2 c t3")]
    [InlineData("t1 t2 !a b !t3 !c", "!a !t3 !c t1 b t2")]
    [InlineData("!t1 !t2 !t3 !a !b c", "!t1 !a !t2 !b !t3 c")]
    public void What_is_whole_waits_for_one_part_and_not_for_all(string added, string taken)
    {
        var queue = new StageQueue<string>("the test", capacity: 8, static item => item.StartsWith('!'), static item => item.Contains('t'));
        foreach (string item in added.Split(' '))
        {
            queue.Add(item);
        }

        Assert.Equal(taken.Split(' '), added.Split(' ').Select(_ => queue.Take()));
    }

    private static StageQueue<string> NewQueue(params string[] items)
    {
        var queue = new StageQueue<string>("the test", capacity: 4);
        queue.AddRange(items);
        return queue;
    }
}
