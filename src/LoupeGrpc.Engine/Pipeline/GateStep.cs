using LoupeGrpc.Engine.Execution;

namespace LoupeGrpc.Engine.Pipeline;

/// <summary>From the classifier's logit to the verdict, and whether the segmentor is needed at all: most camera frames are authentic and get no mask.</summary>
internal sealed class GateStep(ScoreScale scale, AnswerWriter answers) : IFrameStep
{
    public AnalysisOutcome? Process(FrameJob job)
    {
        float logit = job.Batch!.Slot.ClsLogits.Values[job.Row];
        job.PseudoLabel = Scores.OfLogit(logit);
        if (!float.IsFinite(job.PseudoLabel))
        {
            return new FrameFailure(FailureKind.ModelFault, "The model's score is not a number.");
        }

        job.Logit = logit;
        job.Score = scale.OfWhole(logit);
        job.Evidence = job.Evidence is { } evidence ? evidence with { Patches = Look(job.Batch.Slot.PatchLogits.Row(job.Row)) } : null;
        Decide(job);
        if (job.Turn is { } turn)
        {
            // Counted, but what was guessed teaches nothing.
            job.Adapts = job.Affords(turn.WantsStep(job.PseudoLabel) && !job.VerdictIsOpen, Economies.NoAdaptationStep);
            job.NeedsDualVerdict = job.Affords(job.NeedsMask && turn.WantsDualVerdict(), Economies.NoDualVerdict);
        }

        if (job.NeedsMask || job.Adapts)
        {
            return null;
        }

        return answers.WithoutMask(job);
    }

    /// <summary>From the score to the verdict, and to whether a mask is made.</summary>
    public static void Decide(FrameJob job)
    {
        job.Verdict = job.VerdictIsOpen ? Verdict.Uncertain : job.Request.Thresholds.VerdictOf(job.Score);
        job.NeedsMask = job.Affords(WantsMask(job), Economies.NoMask);
    }

    private static PatchEvidence Look(ReadOnlySpan<float> logits)
    {
        int suspected = 0;
        foreach (float logit in logits)
        {
            suspected += logit > 0 ? 1 : 0;
        }

        return new PatchEvidence(logits.Length, suspected);
    }

    private static bool WantsMask(FrameJob job) => job.Request.MaskPolicy switch
    {
        MaskPolicy.Always => true,
        MaskPolicy.WhenSuspected => job.Verdict != Verdict.Authentic,
        _ => false,
    };
}
