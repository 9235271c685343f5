using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.Engine.Masks;

namespace LoupeGrpc.Engine.Pipeline;

/// <summary>Turns a finished frame into its answer.</summary>
internal sealed class AnswerWriter(ExecutionDescription execution, StageClock clock)
{
    public FrameAnalysis WithoutMask(FrameJob job) => Write(job) with { MaskOmission = MaskOmission.Policy };

    public FrameAnalysis WithMask(FrameJob job, MaskResult mask) => Write(job) with
    {
        Mask = mask.Encoded,
        MaskOmission = mask.Encoded is null ? MaskOmission.Budget : MaskOmission.None,
        SoftMask = mask.Soft,
        Regions = mask.Regions,
        MaskAgrees = job.Verdict switch
        {
            Verdict.Manipulated => mask.Area > 0,
            Verdict.Authentic => mask.Area == 0,
            _ => null,
        },
    };

    /// <summary>The answer of a frame whose session has adapted to it.</summary>
    public FrameAnalysis Adapted(FrameJob job, IReadOnlyList<GuardEvent> events) => job.Analysis! with
    {
        GuardEvents = events,
        BaseMask = job.BaseMask,
        MaskDisagreement = job.MaskDisagreement,
        Timings = job.Timings with { Total = clock.Since(job.ReceivedAt) },
    };

    /// <summary>The answer of a frame whose session did not come to adapt to it: the engine has ended before.</summary>
    public FrameAnalysis WithoutStep(FrameJob job) => Adapted(job, job.Turn!.FailStep() is { } guard ? [guard] : []);

    private FrameAnalysis Write(FrameJob job) => new()
    {
        Score = job.Score,
        Logit = job.Logit,
        Verdict = job.Verdict,
        VerdictIsOpen = job.VerdictIsOpen,
        Width = job.Shape.Width,
        Height = job.Shape.Height,
        Orientation = job.Shape.Header?.Orientation ?? 1,
        Sha256 = job.Sha256,
        Notes = job.Notes,
        Tiles = job.Tiles,
        Provenance = job.Provenance,
        Evidence = job.Evidence,
        Digests = job.Digests,
        ColorLayout = job.ColorLayout,
        Picture = job.Picture,
        Economies = job.Economies,
        Timings = job.Timings with { Total = clock.Since(job.ReceivedAt) },
        Execution = execution,
        Adaptation = job.Turn?.Report,
    };
}
