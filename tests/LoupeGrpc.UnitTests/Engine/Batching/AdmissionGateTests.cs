using LoupeGrpc.Engine.Batching;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine.Batching;

public sealed class AdmissionGateTests
{
    private static CancellationToken None => CancellationToken.None;

    [Fact]
    public async Task Frames_beyond_the_number_wait_in_order()
    {
        var gate = new AdmissionGate(maxFrames: 1, maxBytes: 1000, maxWaiting: 10);
        Assert.Equal(Admission.Entered, await gate.EnterAsync(1, None));
        var second = gate.EnterAsync(1, None).AsTask();
        var third = gate.EnterAsync(1, None).AsTask();
        Assert.False(second.IsCompleted);

        gate.Leave(1);
        Assert.Equal(Admission.Entered, await second);
        Assert.False(third.IsCompleted);

        gate.Leave(1);
        Assert.Equal(Admission.Entered, await third);
    }

    [Fact]
    public async Task Bytes_are_counted_as_well_and_nobody_overtakes()
    {
        var gate = new AdmissionGate(maxFrames: 10, maxBytes: 100, maxWaiting: 10);
        await gate.EnterAsync(60, None);
        var large = gate.EnterAsync(50, None).AsTask();
        var small = gate.EnterAsync(1, None).AsTask();
        Assert.False(large.IsCompleted);
        Assert.False(small.IsCompleted);

        gate.Leave(60);

        Assert.Equal(Admission.Entered, await large);
        Assert.Equal(Admission.Entered, await small);
    }

    [Fact]
    public async Task A_frame_larger_than_the_budget_enters_alone()
    {
        var gate = new AdmissionGate(maxFrames: 10, maxBytes: 100, maxWaiting: 10);
        Assert.Equal(Admission.Entered, await gate.EnterAsync(500, None));
        var other = gate.EnterAsync(1, None).AsTask();
        Assert.False(other.IsCompleted);

        gate.Leave(500);
        Assert.Equal(Admission.Entered, await other);
        var large = gate.EnterAsync(500, None).AsTask();
        Assert.False(large.IsCompleted);

        gate.Leave(1);
        Assert.Equal(Admission.Entered, await large);
    }

    [Fact]
    public async Task More_than_may_wait_are_refused()
    {
        var gate = new AdmissionGate(maxFrames: 1, maxBytes: 100, maxWaiting: 1);
        await gate.EnterAsync(1, None);
        var waiting = gate.EnterAsync(1, None).AsTask();

        Assert.Equal(Admission.Full, await gate.EnterAsync(1, None));
        Assert.False(waiting.IsCompleted);
    }

    [Fact]
    public async Task Who_gives_up_leaves_the_line()
    {
        var gate = new AdmissionGate(maxFrames: 1, maxBytes: 100, maxWaiting: 2);
        using var cancellation = new CancellationTokenSource();
        await gate.EnterAsync(1, None);
        var first = gate.EnterAsync(1, cancellation.Token).AsTask();
        var second = gate.EnterAsync(1, None).AsTask();

        await cancellation.CancelAsync();
        Assert.Equal(Admission.Canceled, await first);
        Assert.Equal(Admission.Canceled, await gate.EnterAsync(1, cancellation.Token));

        gate.Leave(1);
        Assert.Equal(Admission.Entered, await second);
    }

    [Fact]
    public async Task Closing_refuses_who_waits_and_ends_when_the_last_has_left()
    {
        var gate = new AdmissionGate(maxFrames: 1, maxBytes: 100, maxWaiting: 2);
        await gate.EnterAsync(1, None);
        var waiting = gate.EnterAsync(1, None).AsTask();

        var empty = gate.CloseAsync();

        Assert.Equal(Admission.Closed, await waiting);
        Assert.Equal(Admission.Closed, await gate.EnterAsync(1, None));
        Assert.False(empty.IsCompleted);
        gate.Leave(1);
        await empty;
    }
}
