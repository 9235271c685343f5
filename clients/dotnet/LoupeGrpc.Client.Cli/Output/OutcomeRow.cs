using LoupeGrpc.Client.Cli.Inputs;

namespace LoupeGrpc.Client.Cli.Output;

/// <summary>One input and what became of it.</summary>
/// <param name="Item">The input.</param>
/// <param name="FrameId">Its place in the order of inputs, from 0.</param>
/// <param name="Outcome">What became of it.</param>
/// <param name="Frame">What was sent; only in runs that keep frames.</param>
internal sealed record OutcomeRow(SourceItem Item, ulong FrameId, LoupeOutcome Outcome, LoupeFrame? Frame)
{
    /// <summary>Where its mask was written; null where it was not.</summary>
    public string? MaskFile { get; init; }

    /// <summary>Where its overlay was written; null where it was not.</summary>
    public string? OverlayFile { get; init; }
}
