namespace LoupeGrpc.Engine.Adaptation;

/// <summary>How a session's segmentation head learns from the classifier's patch probabilities while frames pass.</summary>
public sealed record AdaptationSettings
{
    /// <summary>Of AdamW; above 0, at most 0.1. Default 5e-4, the rate measured for the embedded model.</summary>
    public double LearningRate { get; init; } = 5e-4;

    /// <summary>Optimiser steps for a frame that adapts, 1 to 8. Default 1.</summary>
    public int StepsPerFrame { get; init; } = 1;

    /// <summary>Frames with |score − 0.5| below it do not adapt. 0 to 0.5. Default 0.3.</summary>
    public float MinConfidence { get; init; } = 0.3f;

    /// <summary>Only each n-th frame may adapt, from 1. Default 1: each.</summary>
    public int EveryNth { get; init; } = 1;

    /// <summary>Compute base and adapted mask both for each n-th frame; 0: only when the guard wants to compare. Default 0.</summary>
    public int DualVerdictEveryNth { get; init; }

    /// <summary>Null: no guard.</summary>
    public GuardSettings? Guard { get; init; } = new();

    /// <summary>Null, or what is out of its range.</summary>
    public string? Mistake() =>
        !(LearningRate > 0 && LearningRate <= 0.1) ? $"The learning rate {LearningRate} is not above 0 and at most 0.1."
        : StepsPerFrame is < 1 or > 8 ? $"{StepsPerFrame} steps a frame are not 1 to 8."
        : !(MinConfidence >= 0 && MinConfidence <= 0.5f) ? $"The least confidence {MinConfidence} is not 0 to 0.5."
        : EveryNth < 1 ? $"Each {EveryNth}-th frame is none: it must be 1 or more."
        : DualVerdictEveryNth < 0 ? $"A dual verdict for each {DualVerdictEveryNth}-th frame is none: it must be 0 or more."
        : null;
}

/// <summary>Bounds on what adaptation may do to a session. Passing one of them takes the step back and stops adapting.</summary>
public sealed record GuardSettings
{
    /// <summary>Of ||theta − theta0|| / ||theta0||. Default 0.1: about five times what a stream of 40 frames does.</summary>
    public float MaxDrift { get; init; } = 0.1f;

    /// <summary>Share of the picture on which base and adapted mask may differ, 0 to 1. Default 0.25.</summary>
    public float MaxDisagreement { get; init; } = 0.25f;

    /// <summary>Loss over the running median of frames with the same pseudo label. Default 3.</summary>
    public float MaxLossRatio { get; init; } = 3;

    /// <summary>
    /// Frames in a row with the same pseudo label that may adapt; further ones are passed over until the other label comes. Default 4: an
    /// hour of authentic frames would otherwise teach the head that nothing is ever forged.
    /// </summary>
    public int MaxSameLabel { get; init; } = 4;

    /// <summary>The guard compares base and adapted mask on each n-th frame that gets a mask. Default 16.</summary>
    public int CompareEveryNth { get; init; } = 16;

    public GuardAction Action { get; init; } = GuardAction.RollBack;
}

/// <summary>What the guard does when a bound is passed.</summary>
public enum GuardAction
{
    /// <summary>Return to the last state within the bounds and stop adapting.</summary>
    RollBack,

    /// <summary>Keep the state of before the step and stop adapting.</summary>
    Freeze,
}
