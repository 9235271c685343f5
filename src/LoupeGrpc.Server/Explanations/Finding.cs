using LoupeGrpc.Engine;

namespace LoupeGrpc.Server.Explanations;

/// <summary>What rules look at: a result, and the thresholds of its verdict.</summary>
internal sealed record Finding(FrameAnalysis Analysis, VerdictThresholds Thresholds)
{
    public double Score => Number.Exact(Analysis.Score);

    public double Low => Number.Exact(Thresholds.Low);

    public double High => Number.Exact(Thresholds.High);

    /// <summary>Forged pixels; null where no mask was computed.</summary>
    public MaskEvidence? Mask => Analysis.Evidence?.Mask;

    /// <summary>There is a mask with forged pixels in it.</summary>
    public bool IsMarked => Mask?.Area > 0;

    public double ShareOf(long pixels) => pixels / ((double)Analysis.Width * Analysis.Height);

    public bool Has(ImageNoteKind kind) => Analysis.Notes.Any(note => note.Kind == kind);
}
