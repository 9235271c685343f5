using LoupeGrpc.Engine.Execution;
using LoupeGrpc.Engine.Scheduling;

namespace LoupeGrpc.Engine.Pipeline;

/// <summary>
/// The one way out: every frame that was let in is answered and gives back what it holds, once, whatever happened to it. A frame that waits leaves at once when its
/// caller gives it up, its deadline passes or the engine ends; one that a worker has leaves when the worker comes across it. Thread-safe.
/// </summary>
internal sealed class FrameExit(PixelPool pixels, FrameDeadlines deadlines, EngineHealth health, AnswerWriter answers, TimeProvider time)
{
    public static readonly FrameFailure Canceled = new(FailureKind.Canceled, "The caller canceled the frame.");

    private readonly Lock _lock = new();
    private readonly HashSet<FrameJob> _inside = [];

    /// <summary>Frames, and tiles of them, that were let in and have not left.</summary>
    public int Inside
    {
        get
        {
            lock (_lock)
            {
                return _inside.Count;
            }
        }
    }

    /// <summary>The frame was let in.</summary>
    public void Expect(FrameJob job)
    {
        lock (_lock)
        {
            _inside.Add(job);
        }
    }

    /// <summary>Why a stage should not begin with a frame; null: it should.</summary>
    /// <param name="now"><see cref="TimeProvider.GetTimestamp"/>.</param>
    public AnalysisOutcome? Refuse(FrameJob job, long now)
    {
        if (health.Failure is { } failure)
        {
            return Ended(job, failure);
        }

        if (job.IsAnswered)
        {
#pragma warning disable RS0030 // It is there: nobody waits.
            return job.Answer.Result;
#pragma warning restore RS0030
        }

        if (now >= job.DueAt)
        {
            return Expired(job, now);
        }

        return null;
    }

    /// <summary>Gives back what the frame holds, and answers it. For who has the frame.</summary>
    public void Leave(FrameJob job, AnalysisOutcome outcome)
    {
        ReturnPixels(job);
        job.Batch?.Leave();
        job.Batch = null;
        job.Tiled?.Dispose();
        job.Tiled = null;
        if (job.TryLeave())
        {
            Close(job, outcome);
        }
    }

    /// <summary>The encoder has read them.</summary>
    public void ReturnPixels(FrameJob job)
    {
        if (job.Pixels is { } held)
        {
            job.Pixels = null;
            pixels.Return(held);
        }
    }

    /// <summary>The caller gives the frame up: it is answered at once, or, while its bytes are being read, when that is over.</summary>
    public void Withdraw(FrameJob job, FrameFailure failure)
    {
        // First the answer, then the look where it waits; in a queue it is looked at the other way round.
        job.AnswerEarly(failure);
        LeaveIfWaiting(job, failure);
    }

    /// <summary>The frame's deadline has passed. While a worker has it nothing happens: it goes no further than that stage.</summary>
    public void Expire(FrameJob job)
    {
        job.BecomeOverdue();
        LeaveIfWaiting(job, outcome: null);
    }

    /// <summary>After the frame was put into a queue: what happened to it before it was there may have missed it.</summary>
    public void LeaveIfOver(FrameJob job)
    {
        if (health.Failure is not null || job.IsAnswered || job.IsOverdue)
        {
            LeaveIfWaiting(job, outcome: null);
        }
    }

    /// <summary>
    /// The engine has ended: answers every frame that waits or that is in a run, which may never end. Work that does end is not disturbed, and its frames are
    /// refused when they go on.
    /// </summary>
    public void LeaveAll(FrameFailure failure)
    {
        List<FrameJob> inside;
        lock (_lock)
        {
            inside = [.. _inside];
        }

        foreach (var job in inside)
        {
            if (!LeaveIfWaiting(job, outcome: null) && job.IsRunning && job.TryLeave())
            {
                // Its buffers stay with the run.
                Close(job, Ended(job, failure));
            }
        }
    }

    public FrameFailure Expired(FrameJob job) => Expired(job, time.GetTimestamp());

    private FrameFailure Expired(FrameJob job, long now) => new(
        FailureKind.Expired,
        $"The frame's deadline of {job.Request.MaxAge?.TotalMilliseconds:0} ms passed: it is {time.GetElapsedTime(job.ReceivedAt, now).TotalMilliseconds:0} ms old.");

    /// <summary>A result that only had to adapt its session is given all the same.</summary>
    private AnalysisOutcome Ended(FrameJob job, FrameFailure failure) => job.Analysis is null ? failure : answers.WithoutStep(job);

    /// <param name="outcome">Null: what is known of the frame.</param>
    private bool LeaveIfWaiting(FrameJob job, AnalysisOutcome? outcome)
    {
        if (job.Queue?.TryRemove(job) is not true)
        {
            return false;
        }

        long now = time.GetTimestamp();
        Leave(job, outcome ?? Refuse(job, now) ?? Expired(job, now));
        return true;
    }

    private void Close(FrameJob job, AnalysisOutcome outcome)
    {
        deadlines.Remove(job);
        lock (_lock)
        {
            _inside.Remove(job);
        }

        // Before the answer, so that a caller who was answered finds the room that its frame took.
        job.Room?.Dispose();
        job.Turn?.End();
        bool isAnswer = job.Complete(outcome);
        job.Rotation?.End(isAnswer ? outcome.Analysis : null);
    }
}
