using System.Collections.Concurrent;
using LoupeGrpc.Engine.Pipeline;
using LoupeGrpc.Engine.Queueing;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine.Pipeline;

public sealed class ComputeThreadsTests
{
    private readonly ComputeThreads _threads = new("test", 1);
    private readonly BlockingCollection<string> _done = [];

    [Fact]
    public void What_is_urgent_is_next_and_then_what_is_farthest_on_its_way()
    {
        var early = new Line(0, "a", "!c", "d");
        var late = new Line(1, "b", "!e");
        Work(early, late);
        _threads.Start();
        Assert.Equal(["!e", "!c", "b", "a", "d"], Enumerable.Range(0, 5).Select(_ => Next()));
        Close();
    }

    [Fact]
    public void What_comes_while_a_thread_works_is_next_where_it_should_be()
    {
        var early = new Line(0, "a", "b");
        var late = new Line(1);
        using var holds = new ManualResetEventSlim();
        using var worker = new Worker(this, early) { Hold = item => item == "a" ? holds : null };
        _threads.Add(early, worker);
        Work(late);
        _threads.Start();
        Assert.Equal("a", Next());
        late.Queue.Add("c");
        _threads.Look();
        holds.Set();
        Assert.Equal(["c", "b"], new[] { Next(), Next() });
        Close();
    }

    /// <summary>Buffers and slots: where one lacks, the thread does something else until it comes back.</summary>
    [Fact]
    public void A_stage_that_lacks_something_does_not_hold_up_the_others()
    {
        var early = new Line(0, "a");
        var late = new Line(1, "!b");
        using var lacking = new Worker(this, late) { Lacks = true };
        _threads.Add(late, lacking);
        Work(early);
        _threads.Start();
        Assert.Equal("a", Next());
        lacking.Lacks = false;
        _threads.Look();
        Assert.Equal("!b", Next());
        Close();
    }

    [Fact]
    public void A_worker_works_on_one_thread_at_a_time_and_another_thread_for_the_next_stage()
    {
        var two = new ComputeThreads("test", 2);
        var early = new Line(0, "a", "b");
        var late = new Line(1);
        using var holds = new ManualResetEventSlim();
        using var one = new Worker(this, early) { Hold = _ => holds };
        two.Add(early, one);
        using var other = new Worker(this, late);
        two.Add(late, other);
        two.Start();
        Assert.Equal("a", Next());
        late.Queue.Add("c");
        two.Look();
        Assert.Equal("c", Next());
        Assert.Equal("b", early.Queue.TryTake());
        holds.Set();
        two.Close();
        Assert.Empty(two.Join(static () => null));
    }

    [Fact]
    public void A_thread_that_hangs_is_named_by_its_stage_and_its_worker_stays()
    {
        var line = new Line(3, "a");
        using var holds = new ManualResetEventSlim();
        using var hanging = new Worker(this, line) { Hold = _ => holds };
        using var idle = new Worker(this, line);
        _threads.Add(line, hanging);
        _threads.Add(line, idle);
        _threads.Start();
        Assert.Equal("a", Next());
        _threads.Close();
        Assert.Equal(["stage 3"], _threads.Join(static () => TimeSpan.Zero));
        Assert.Equal((false, true), (hanging.IsDisposed, idle.IsDisposed));
        holds.Set();
        Assert.Empty(_threads.Join(static () => null));
        Assert.True(hanging.IsDisposed);
    }

    private string Next()
    {
        Assert.True(_done.TryTake(out string? item, TimeSpan.FromMinutes(1)));
        return item;
    }

    private void Work(params Line[] lines)
    {
        foreach (var line in lines)
        {
            _threads.Add(line, new Worker(this, line));
        }
    }

    private void Close()
    {
        _threads.Close();
        Assert.Empty(_threads.Join(static () => null));
    }

    private sealed class Line : IStageLine
    {
        public Line(int place, params string[] items)
        {
            Place = place;
            Queue.AddRange(items);
        }

        public string Name => $"stage {Place}";

        public int Place { get; }

        public bool? HeadIsUrgent => Queue.HeadIsUrgent;

        public StageQueue<string> Queue { get; } = new("the test", capacity: 8, static item => item.StartsWith('!'));
    }

    private sealed class Worker(ComputeThreadsTests test, Line line) : IStageWorker
    {
        private string? _taken;

        public volatile bool Lacks;

        public Func<string, ManualResetEventSlim?> Hold { get; init; } = static _ => null;

        public bool IsDisposed { get; private set; }

        public bool TryTake() => !Lacks && (_taken = line.Queue.TryTake()) is not null;

        public void Work()
        {
            test._done.Add(_taken!);
            Hold(_taken!)?.Wait();
        }

        public void Dispose() => IsDisposed = true;
    }
}
