using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.Engine.Diagnostics;

namespace LoupeGrpc.Engine.Batching;

/// <summary>
/// What a frame leaves behind in its session: the guard's look at base and adapted mask, and the optimiser's step. The frame is answered after it,
/// with the state of before.
/// </summary>
internal sealed class AdaptStep(AnswerWriter answers, StageClock clock, EngineMetrics metrics) : IFrameStep
{
    public AnalysisOutcome? Process(FrameJob job)
    {
        var session = job.Request.Adaptation!;
        var events = new List<GuardEvent>();
        if (job.MaskDisagreement is { } disagreement)
        {
            Note(session.Compare(disagreement));
        }

        if (job.Adapts && !session.Frozen)
        {
            long start = clock.Now;
            var slot = job.Batch!.Slot;
            var run = slot.Adaptation;
            for (int i = 0; i < session.Settings.StepsPerFrame && !session.Frozen; i++)
            {
                slot.SetParameters(job.Row, session.State.Theta.Span);
                run.Differentiate(job.Row);
                long before = session.State.Step;
                Note(session.Step(job.Score, run.Loss(job.Row), run.Gradients(job.Row)));
                metrics.AdaptationStepped(session.State.Step - before);
            }

            job.Timings = job.Timings with { Adapt = clock.Record(Stage.Adapt, start) };
        }

        return answers.Adapted(job, events);

        void Note(GuardEvent? guard)
        {
            if (guard is not null)
            {
                events.Add(guard);
                metrics.GuardActed(guard);
            }
        }
    }
}
