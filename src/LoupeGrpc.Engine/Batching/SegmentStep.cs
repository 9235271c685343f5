using LoupeGrpc.Engine.Diagnostics;
using LoupeGrpc.Engine.Execution;

namespace LoupeGrpc.Engine.Batching;

/// <summary>The segmentation head, with the parameters of the frame's session or, without one that adapts, of the package.</summary>
internal sealed class SegmentStep(AdaptedParameters baseParameters, StageClock clock) : IFrameStep
{
    public AnalysisOutcome? Process(FrameJob job)
    {
        var slot = job.Slot!;
        long start = clock.Now;
        slot.PseudoLabels.Values[0] = job.Score;
        if (job.Request.Adaptation is not { } session)
        {
            slot.SetParameters(0, baseParameters);
            slot.Segment();
            job.Timings = job.Timings with { Segment = clock.Record(Stage.Segment, start) };
            return null;
        }

        slot.SetParameters(0, session.State.Theta.Span);
        slot.Adaptation.Segment();
        job.Timings = job.Timings with { Segment = clock.Record(Stage.Segment, start) };
        if (job.NeedsDualVerdict)
        {
            start = clock.Now;
            slot.SetParameters(0, baseParameters);
            slot.Adaptation.SegmentBase();
            job.Timings = job.Timings with { Dual = clock.Since(start) };
        }

        return null;
    }
}
