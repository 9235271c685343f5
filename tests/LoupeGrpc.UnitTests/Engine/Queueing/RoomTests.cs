using LoupeGrpc.Engine.Queueing;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine.Queueing;

public sealed class RoomTests
{
    private static CancellationToken None => CancellationToken.None;

    [Fact]
    public async Task Frames_beyond_the_number_wait_in_order()
    {
        var room = NewRoom(frames: 1, bytes: 1000);
        var first = Taken(await room.TakeAsync(1, 1, None));
        var second = room.TakeAsync(1, 1, None).AsTask();
        var third = room.TakeAsync(1, 1, None).AsTask();
        Assert.False(second.IsCompleted);

        first.Dispose();
        var lease = Taken(await second);
        Assert.False(third.IsCompleted);

        lease.Dispose();
        Taken(await third);
    }

    [Fact]
    public async Task Bytes_are_counted_as_well_and_nobody_overtakes()
    {
        var room = NewRoom(frames: 10, bytes: 100);
        var first = Taken(await room.TakeAsync(1, 60, None));
        var large = room.TakeAsync(1, 50, None).AsTask();
        var small = room.TakeAsync(1, 1, None).AsTask();
        Assert.False(large.IsCompleted);
        Assert.False(small.IsCompleted);

        first.Dispose();

        Taken(await large);
        Taken(await small);
        Assert.Equal(new RoomSize(2, 51), room.Held);
    }

    [Fact]
    public async Task A_frame_larger_than_the_budget_enters_alone()
    {
        var room = NewRoom(frames: 10, bytes: 100);
        var first = Taken(await room.TakeAsync(1, 500, None));
        var other = room.TakeAsync(1, 1, None).AsTask();
        Assert.False(other.IsCompleted);

        first.Dispose();
        var lease = Taken(await other);
        var large = room.TakeAsync(1, 500, None).AsTask();
        Assert.False(large.IsCompleted);

        lease.Dispose();
        Taken(await large);
    }

    [Fact]
    public async Task More_than_may_wait_are_refused()
    {
        var room = NewRoom(frames: 1, bytes: 100, maxWaiting: 1);
        await room.TakeAsync(1, 1, None);
        var waiting = room.TakeAsync(1, 1, None).AsTask();

        Assert.Equal(new RoomTicket(RoomAnswer.Full, null), await room.TakeAsync(1, 1, None));
        Assert.False(waiting.IsCompleted);
        Assert.Equal(1, room.Waiting);
    }

    [Fact]
    public async Task Who_gives_up_leaves_the_line()
    {
        var room = NewRoom(frames: 1, bytes: 100, maxWaiting: 2);
        using var cancellation = new CancellationTokenSource();
        var lease = Taken(await room.TakeAsync(1, 1, None));
        var first = room.TakeAsync(1, 1, cancellation.Token).AsTask();
        var second = room.TakeAsync(1, 1, None).AsTask();

        await cancellation.CancelAsync();
        Assert.Equal(RoomAnswer.Canceled, (await first).Answer);
        Assert.Equal(RoomAnswer.Canceled, (await room.TakeAsync(1, 1, cancellation.Token)).Answer);

        lease.Dispose();
        Taken(await second);
    }

    [Fact]
    public async Task A_large_one_that_gives_up_lets_those_behind_it_in()
    {
        var room = NewRoom(frames: 10, bytes: 100);
        using var cancellation = new CancellationTokenSource();
        await room.TakeAsync(1, 60, None);
        var large = room.TakeAsync(1, 50, cancellation.Token).AsTask();
        var small = room.TakeAsync(1, 1, None).AsTask();

        await cancellation.CancelAsync();

        Assert.Equal(RoomAnswer.Canceled, (await large).Answer);
        Taken(await small);
    }

    [Fact]
    public async Task Closing_refuses_who_waits_and_ends_when_the_last_has_left()
    {
        var room = NewRoom(frames: 1, bytes: 100, maxWaiting: 2);
        var lease = Taken(await room.TakeAsync(1, 1, None));
        var waiting = room.TakeAsync(1, 1, None).AsTask();

        var empty = room.Close();

        Assert.Equal(RoomAnswer.Closed, (await waiting).Answer);
        Assert.Equal(RoomAnswer.Closed, (await room.TakeAsync(1, 1, None)).Answer);
        Assert.Null(room.TryTake(1, 1));
        Assert.False(empty.IsCompleted);
        lease.Dispose();
        await empty;
    }

    [Fact]
    public async Task An_empty_room_is_closed_at_once() => await NewRoom(frames: 1, bytes: 1).Close();

    [Fact]
    public async Task What_is_given_back_twice_counts_once()
    {
        var room = NewRoom(frames: 2, bytes: 100);
        var first = Taken(await room.TakeAsync(1, 10, None));
        await room.TakeAsync(1, 20, None);

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(first.Dispose, TestContext.Current.CancellationToken)));

        Assert.Equal(new RoomSize(1, 20), room.Held);
    }

    [Fact]
    public void Where_there_is_room_it_is_taken_at_once()
    {
        var room = new Room(RoomSize.OfBytes(100));

        Assert.True(room.TakeAsync(0, 60, None).AsTask().IsCompletedSuccessfully);
        Assert.Null(room.TryTake(0, 41));
        using (room.TryTake(0, 40))
        {
            Assert.Equal(new RoomSize(0, 100), room.Held);
        }

        Assert.Equal(new RoomSize(0, 60), room.Held);
    }

    [Fact]
    public async Task Who_does_not_wait_may_pass_a_large_one_but_not_for_ever()
    {
        var room = NewRoom(frames: 100, bytes: 100);
        var first = Taken(await room.TakeAsync(1, 30, None));
        var large = room.TakeAsync(1, 90, None).AsTask();

        // Small ones come and go, and there is always room for the next.
        int passed = 0;
        while (passed < 1000 && room.TryTake(1, 10) is { } small)
        {
            small.Dispose();
            passed++;
        }

        Assert.Equal(10, passed);
        first.Dispose();
        Taken(await large);
    }

    [Fact]
    public async Task A_child_takes_from_itself_and_from_its_parent()
    {
        var parent = NewRoom(frames: 3, bytes: 100);
        var one = NewRoom(frames: 2, bytes: 60, parent);
        var other = NewRoom(frames: 2, bytes: 60, parent);
        var first = Taken(await one.TakeAsync(1, 50, None));
        Taken(await other.TakeAsync(1, 30, None));
        Assert.Equal((new RoomSize(1, 50), new RoomSize(1, 30), new RoomSize(2, 80)), (one.Held, other.Held, parent.Held));

        // Its own limit, though the parent has room; and the parent's, though it has room itself.
        Assert.Null(one.TryTake(1, 20));
        Assert.Null(other.TryTake(1, 25));
        var inOne = one.TakeAsync(1, 20, None).AsTask();
        var inParent = other.TakeAsync(1, 25, None).AsTask();
        Assert.Equal((1, 0, 1), (one.Waiting, other.Waiting, parent.Waiting));

        first.Dispose();

        Taken(await inParent);
        Taken(await inOne);
        Assert.Equal((new RoomSize(1, 20), new RoomSize(2, 55), new RoomSize(3, 75)), (one.Held, other.Held, parent.Held));
    }

    [Fact]
    public async Task Who_gives_up_above_gives_back_below()
    {
        var parent = NewRoom(frames: 1, bytes: 100);
        var child = NewRoom(frames: 1, bytes: 100, parent);
        using var cancellation = new CancellationTokenSource();
        var held = Taken(await parent.TakeAsync(1, 1, None));
        var first = child.TakeAsync(1, 1, cancellation.Token).AsTask();
        var second = child.TakeAsync(1, 2, None).AsTask();
        Assert.Equal((1, 1), (child.Waiting, parent.Waiting));

        await cancellation.CancelAsync();
        Assert.Equal(RoomAnswer.Canceled, (await first).Answer);
        Assert.Equal((new RoomSize(1, 2), 0, 1), (child.Held, child.Waiting, parent.Waiting));

        held.Dispose();
        Taken(await second).Dispose();
        Assert.Equal((default, default), (child.Held, parent.Held));
    }

    [Fact]
    public async Task Closing_a_child_refuses_those_who_wait_above_it_and_nobody_else()
    {
        var parent = NewRoom(frames: 1, bytes: 100);
        var child = NewRoom(frames: 1, bytes: 100, parent);
        var held = Taken(await parent.TakeAsync(1, 1, None));
        var ofChild = child.TakeAsync(1, 1, None).AsTask();
        var behind = child.TakeAsync(1, 1, None).AsTask();
        var ofParent = parent.TakeAsync(1, 1, None).AsTask();

        await child.Close();

        Assert.Equal(RoomAnswer.Closed, (await ofChild).Answer);
        Assert.Equal(RoomAnswer.Closed, (await behind).Answer);
        Assert.False(ofParent.IsCompleted);
        held.Dispose();
        Taken(await ofParent);
    }

    [Fact]
    public async Task A_closed_parent_refuses_what_its_children_are_asked_for()
    {
        var parent = NewRoom(frames: 1, bytes: 100);
        var child = NewRoom(frames: 1, bytes: 100, parent);

        await parent.Close();

        Assert.Equal(RoomAnswer.Closed, (await child.TakeAsync(1, 1, None)).Answer);
        Assert.Null(child.TryTake(1, 1));
        Assert.Equal(default, child.Held);
    }

    [Fact]
    public async Task A_full_line_above_gives_back_below()
    {
        var parent = NewRoom(frames: 1, bytes: 100, maxWaiting: 0);
        var child = NewRoom(frames: 1, bytes: 100, parent);
        await parent.TakeAsync(1, 1, None);

        Assert.Equal(RoomAnswer.Full, (await child.TakeAsync(1, 1, None)).Answer);
        Assert.Equal(default, child.Held);
    }

    [Fact]
    public void Nonsense_is_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => NewRoom(frames: 0, bytes: 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => NewRoom(frames: 1, bytes: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => NewRoom(frames: 1, bytes: 1).TryTake(-1, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => NewRoom(frames: 1, bytes: 1).TryTake(0, -1));
    }

    [Fact]
    public async Task Many_at_once_never_pass_a_limit_and_leave_nothing_behind()
    {
        var root = NewRoom(frames: 6, bytes: 1000);
        Room[] rooms = [root, NewRoom(frames: 3, bytes: 700, root), NewRoom(frames: 4, bytes: 400, root)];
        rooms = [.. rooms, NewRoom(frames: 2, bytes: 300, rooms[2])];
        int taken = 0;

        await Task.WhenAll(Enumerable.Range(0, 16).Select(number => Task.Run(
            async () =>
            {
                var random = new Random(number);
                for (int i = 0; i < 300; i++)
                {
                    using var cancellation = new CancellationTokenSource(random.Next(4) == 0 ? random.Next(3) : -1);
                    var room = rooms[random.Next(rooms.Length)];
                    long bytes = random.Next(10) == 0 ? 2000 : random.Next(300);
                    using var lease = random.Next(3) == 0 ? room.TryTake(1, bytes) : (await room.TakeAsync(1, bytes, cancellation.Token)).Lease;
                    foreach (var any in rooms)
                    {
                        var held = any.Held;
                        Assert.True(held.Frames <= any.Limit.Frames && (held.Bytes <= any.Limit.Bytes || held.Frames == 1), $"{held} of {any.Limit}");
                    }

                    Interlocked.Add(ref taken, lease is null ? 0 : 1);
                    await Task.Yield();
                }
            },
            TestContext.Current.CancellationToken)));

        Assert.True(taken > 1000, $"{taken} were let in");
        Assert.All(rooms, static room => Assert.Equal((default, 0), (room.Held, room.Waiting)));
    }

    private static Room NewRoom(int frames, long bytes, Room? parent = null, int maxWaiting = 10_000) => new(new RoomSize(frames, bytes), parent, maxWaiting);

    private static RoomLease Taken(RoomTicket ticket)
    {
        Assert.Equal(RoomAnswer.Taken, ticket.Answer);
        return ticket.Lease!;
    }
}
