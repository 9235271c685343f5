using LoupeGrpc.Engine.Diagnostics;
using LoupeGrpc.Engine.Execution;

namespace LoupeGrpc.Engine.Batching;

/// <summary>The segmentation head, with the parameters that the frame's session has: so far those of the package.</summary>
internal sealed class SegmentStep(AdaptedParameters parameters, StageClock clock) : IFrameStep
{
    public AnalysisOutcome? Process(FrameJob job)
    {
        var slot = job.Slot!;
        long start = clock.Now;
        slot.PseudoLabels.Values[0] = job.Score;
        slot.SetParameters(0, parameters);
        slot.Segment();
        job.Timings = job.Timings with { Segment = clock.Record(Stage.Segment, start) };
        return null;
    }
}
