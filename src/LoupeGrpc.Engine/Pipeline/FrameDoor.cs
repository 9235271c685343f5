using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.Engine.Queueing;
using LoupeGrpc.Engine.Scheduling;

namespace LoupeGrpc.Engine.Pipeline;

/// <summary>
/// Lets frames in: one that adapts its session, or shows some of its tiles, when the frame before it has left, and each when there is room for it. A frame whose deadline passes while it waits
/// here, or whose caller gives it up, is turned away then.
/// </summary>
internal sealed class FrameDoor(Room room, FrameExit exit, FrameDeadlines deadlines, EngineHealth health)
{
    /// <returns>Null: the frame is inside, and leaves by <see cref="FrameExit"/>. Otherwise why it is not.</returns>
    public async ValueTask<FrameFailure?> EnterAsync(FrameJob job, CancellationToken cancellationToken)
    {
        using var wait = job.DueAt == long.MaxValue ? null : CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        job.WaitAtDoor(wait);
        deadlines.Add(job);
        var answer = await EnterAsync(job, job.Request.Adaptation, wait?.Token ?? cancellationToken).ConfigureAwait(false);
        job.WaitAtDoor(null);
        if (answer == RoomAnswer.Taken)
        {
            exit.Expect(job);
            return null;
        }

        deadlines.Remove(job);
        return answer switch
        {
            RoomAnswer.Full => new FrameFailure(
                FailureKind.Overloaded, "Too many frames are waiting for the engine already: Loupe:Engine:MaxFramesWaiting."),
            RoomAnswer.Closed => health.Failure ?? EngineHealth.Stopping,
            _ when cancellationToken.IsCancellationRequested => FrameExit.Canceled,
            _ => exit.Expired(job),
        };
    }

    private async ValueTask<RoomAnswer> EnterAsync(FrameJob job, AdaptationSession? session, CancellationToken cancellationToken)
    {
        if (session is not null)
        {
            job.Turn = await session.TakeTurnAsync(cancellationToken).ConfigureAwait(false);
            if (job.Turn is null)
            {
                return RoomAnswer.Canceled;
            }
        }

        if (job.Request.TileWindow is { } window)
        {
            job.Rotation = await window.TakeTurnAsync(cancellationToken).ConfigureAwait(false);
            if (job.Rotation is null)
            {
                job.Turn?.End();
                return RoomAnswer.Canceled;
            }
        }

        (var answer, job.Room) = await room.TakeAsync(frames: 1, job.Bytes, cancellationToken).ConfigureAwait(false);
        if (answer != RoomAnswer.Taken)
        {
            job.Turn?.End();
            job.Rotation?.End(null);
        }

        return answer;
    }
}
