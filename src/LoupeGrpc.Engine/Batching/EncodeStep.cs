using LoupeGrpc.Engine.Diagnostics;
using LoupeGrpc.Engine.Execution;

namespace LoupeGrpc.Engine.Batching;

/// <summary>Backbone and classifier, and the gate behind them: most camera frames are authentic and need no mask.</summary>
internal sealed class EncodeStep(AnswerWriter answers, StageClock clock) : IFrameStep
{
    public AnalysisOutcome? Process(FrameJob job)
    {
        var slot = job.Slot!;
        long start = clock.Now;
        slot.Encode();
        job.Timings = job.Timings with { Encode = clock.Record(Stage.Encode, start) };

        float score = Scores.OfLogit(slot.ClsLogits.Values[0]);
        if (!float.IsFinite(score))
        {
            return new FrameFailure(FailureKind.ModelFault, "The model answered a score that is not a number.");
        }

        job.Score = score;
        job.Verdict = job.Request.Thresholds.VerdictOf(score);
        job.NeedsMask = WantsMask(job);
        if (job.Request.Adaptation is { } session)
        {
            job.Adaptation = session.Report();
            job.Adapts = session.WantsStep(score);
            job.NeedsDualVerdict = job.NeedsMask && session.WantsDualVerdict();
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
