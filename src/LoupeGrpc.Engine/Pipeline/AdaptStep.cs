using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.Engine.Diagnostics;
using LoupeGrpc.Engine.Scheduling;

namespace LoupeGrpc.Engine.Pipeline;

/// <summary>
/// What a frame leaves behind in its session: the guard's look at base and adapted mask, and the optimiser's steps. The frame is answered after them,
/// with the state of before; a step that fails takes nothing from its result.
/// </summary>
internal sealed class AdaptStep(AnswerWriter answers, FailureClassifier classifier, StageClock clock, EngineMetrics metrics) : IFrameStep
{
    public const string Name = "adapt";

    public AnalysisOutcome? Process(FrameJob job)
    {
        var turn = job.Turn!;
        var events = new List<GuardEvent>();
        try
        {
            if (!(job.MaskDisagreement is { } disagreement && Note(turn.Compare(disagreement))) && job.Adapts)
            {
                long start = clock.Now;
                Step(job, turn, Note);
                job.Timings = job.Timings with { Adapt = clock.Record(job, TimedWork.Adapt, start) };
            }
        }
        catch (Exception exception)
        {
            // Logged and judged as any other failure; the frame is answered all the same.
            _ = classifier.ClassifyOne(exception, Name);
            Note(turn.FailStep());
        }

        return answers.Adapted(job, events);

        bool Note(GuardEvent? guard)
        {
            if (guard is not null)
            {
                events.Add(guard);
                metrics.GuardActed(guard);
            }

            return guard is not null;
        }
    }

    /// <param name="stopped">Takes note of what the guard did; true where it did something.</param>
    private void Step(FrameJob job, AdaptationTurn turn, Func<GuardEvent?, bool> stopped)
    {
        var slot = job.Batch!.Slot;
        var run = slot.Adaptation;
        for (int i = 0; i < turn.Settings.StepsPerFrame; i++)
        {
            slot.SetParameters(job.Row, turn.Theta.Span);
            run.Differentiate(job.Row);
            classifier.Succeeded(Name);
            long before = turn.StepNumber;
            bool isStopped = stopped(turn.Step(job.PseudoLabel, run.Loss(job.Row), run.Gradients(job.Row)));
            metrics.AdaptationStepped(turn.StepNumber - before);
            if (isStopped)
            {
                return;
            }
        }
    }
}
