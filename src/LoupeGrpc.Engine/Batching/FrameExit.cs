using LoupeGrpc.Engine.Execution;

namespace LoupeGrpc.Engine.Batching;

/// <summary>The one way out: every frame that was admitted passes here once, whatever happened to it.</summary>
internal sealed class FrameExit(AdmissionGate gate, PixelPool pixels, EngineHealth health, TimeProvider time)
{
    /// <summary>Why a stage should not begin with a frame; null: it should.</summary>
    public AnalysisOutcome? Refuse(FrameJob job)
    {
        if (health.Failure is { } failure)
        {
            return failure;
        }

        if (job.IsAnswered)
        {
            return job.Answer.Result;
        }

        if (job.Request.MaxAge is { } limit && time.GetElapsedTime(job.ReceivedAt) is var age && age >= limit)
        {
            return new FrameFailure(
                FailureKind.Expired, $"The frame's deadline of {limit.TotalMilliseconds:0} ms passed: it is {age.TotalMilliseconds:0} ms old.");
        }

        return null;
    }

    /// <summary>Gives back what the frame holds, and answers it.</summary>
    public void Leave(FrameJob job, AnalysisOutcome outcome)
    {
        ReturnPixels(job);
        job.Batch?.Leave();
        job.Batch = null;

        // Before the answer, so that a caller who was answered finds the room that its frame took.
        gate.Leave(job.AdmittedBytes);
        job.Request.Adaptation?.Leave();
        job.Complete(outcome);
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
}
