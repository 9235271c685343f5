using LoupeGrpc.Engine.Execution;

namespace LoupeGrpc.Engine.Pipeline;

/// <summary>From the classifier's logit to the verdict, and whether the segmentor is needed at all: most camera frames are authentic and get no mask.</summary>
internal sealed class GateStep(AnswerWriter answers) : IFrameStep
{
    public AnalysisOutcome? Process(FrameJob job)
    {
        float score = Scores.OfLogit(job.Batch!.Slot.ClsLogits.Values[job.Row]);
        if (!float.IsFinite(score))
        {
            return new FrameFailure(FailureKind.ModelFault, "The model's score is not a number.");
        }

        job.Score = score;
        job.Verdict = job.VerdictIsOpen ? Verdict.Uncertain : job.Request.Thresholds.VerdictOf(score);
        job.NeedsMask = job.Affords(WantsMask(job), Economies.NoMask);
        if (job.Turn is { } turn)
        {
            // Counted, but what was guessed teaches nothing.
            job.Adapts = job.Affords(turn.WantsStep(score) && !job.VerdictIsOpen, Economies.NoAdaptationStep);
            job.NeedsDualVerdict = job.Affords(job.NeedsMask && turn.WantsDualVerdict(), Economies.NoDualVerdict);
        }

        if (job.NeedsMask || job.Adapts)
        {
            return null;
        }

        return answers.WithoutMask(job);
    }

    private static bool WantsMask(FrameJob job) => job.Request.MaskPolicy switch
    {
        MaskPolicy.Always => true,
        MaskPolicy.WhenSuspected => job.Verdict != Verdict.Authentic,
        _ => false,
    };
}
