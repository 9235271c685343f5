using LoupeGrpc.Engine.Queueing;
using LoupeGrpc.Engine.Scheduling;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine.Scheduling;

public sealed class CoresTests
{
    private readonly Cores _cores = new(1);
    private readonly StageQueue<string> _early = NewQueue();
    private readonly StageQueue<string> _late = NewQueue();
    private readonly List<string> _taken = [];

    [Fact]
    public async Task What_is_urgent_is_next_and_then_what_is_farthest_on_its_way()
    {
        Send(_early, "first");
        Assert.True(_cores.Take(Seat(0, _early)));

        // The core is taken: whatever comes waits, and the order in which it came is not the one in which it goes.
        Send(_early, "a");
        Send(_late, "b");
        Send(_early, "!c");
        Send(_late, "!d");
        var workers = new[] { (0, _early), (0, _early), (1, _late), (1, _late) }.Select(worker => Task.Run(
            () =>
            {
                var seat = Seat(worker.Item1, worker.Item2);
                while (_cores.Take(seat))
                {
                    _cores.Return();
                }
            },
            TestContext.Current.CancellationToken)).ToArray();
        await UntilAsync(() => _cores.Waiting == workers.Length);
        Assert.Equal(["first"], _taken);
        _cores.Return();
        await UntilAsync(() => _taken.Count == 5);
        Assert.Equal(["first", "!d", "!c", "b", "a"], _taken);

        Close();
        await Task.WhenAll(workers);
    }

    [Fact]
    public async Task A_worker_waits_for_work_without_a_core()
    {
        var waiting = Task.Run(() => _cores.Take(Seat(1, _late)), TestContext.Current.CancellationToken);
        await UntilAsync(() => _cores.Waiting == 1);
        Send(_early, "a");
        Assert.True(_cores.Take(Seat(0, _early)));
        Send(_late, "b");
        Assert.False(waiting.IsCompleted);
        _cores.Return();
        Assert.True(await waiting);
        Assert.Equal(["a", "b"], _taken);
    }

    [Fact]
    public async Task What_still_waits_when_all_is_closed_goes_without_a_core_and_then_the_workers_go()
    {
        Send(_early, "hangs");
        Assert.True(_cores.Take(Seat(0, _early)));
        Send(_late, "b");
        var waiting = Task.Run(() => (_cores.Take(Seat(1, _late)), _cores.Take(Seat(1, _late))), TestContext.Current.CancellationToken);
        await UntilAsync(() => _cores.Waiting == 1);
        Close();
        Assert.Equal((true, false), await waiting);
    }

    private static StageQueue<string> NewQueue() => new("the test", capacity: 8, static item => item.StartsWith('!'));

    private static async Task UntilAsync(Func<bool> condition)
    {
        while (!condition())
        {
            await Task.Delay(1, TestContext.Current.CancellationToken);
        }
    }

    private void Send(StageQueue<string> queue, string item)
    {
        queue.Add(item);
        _cores.Look();
    }

    private void Close()
    {
        _early.Close();
        _late.Close();
        _cores.Open();
    }

    private CoreSeat<string> Seat(int progress, StageQueue<string> queue) => new CoreSeat<string>(progress, queue, waiting =>
    {
        _taken.Add(waiting[0]);
        waiting.RemoveAt(0);
    });
}
