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

    /// <summary>Every value that is out of its range, each as one sentence; empty where all are in order.</summary>
    public IReadOnlyList<string> Validate()
    {
        List<string> errors = [];
        Require(LearningRate > 0 && LearningRate <= 0.1, $"The learning rate {LearningRate} is outside its range: above 0, at most 0.1.");
        Require(StepsPerFrame is >= 1 and <= 8, $"{StepsPerFrame} steps per frame are outside the range 1 to 8.");
        Require(MinConfidence >= 0 && MinConfidence <= 0.5f, $"The minimum confidence {MinConfidence} is outside the range 0 to 0.5.");
        Require(EveryNth >= 1, $"every_nth is {EveryNth}; it must be 1 or more.");
        Require(DualVerdictEveryNth >= 0, $"dual_verdict_every_nth is {DualVerdictEveryNth}; it must be 0 or more.");
        if (Guard is { } guard)
        {
            // Comparisons that a NaN fails.
            Require(guard.MaxDrift >= 0, $"max_drift is {guard.MaxDrift}; it must be 0 or more.");
            Require(guard.MaxDisagreement >= 0, $"max_disagreement is {guard.MaxDisagreement}; it must be 0 or more.");
            Require(guard.MaxLossRatio >= 0, $"max_loss_ratio is {guard.MaxLossRatio}; it must be 0 or more.");
            Require(guard.MaxSameLabel >= 1, $"max_same_label is {guard.MaxSameLabel}; it must be 1 or more.");
            Require(guard.CompareEveryNth >= 1, $"compare_every_nth is {guard.CompareEveryNth}; it must be 1 or more.");
            Require(Enum.IsDefined(guard.Action), $"The guard's action {guard.Action} is not known.");
        }

        return errors;

        void Require(bool holds, string error)
        {
            if (!holds)
            {
                errors.Add(error);
            }
        }
    }
}

/// <summary>Bounds on what adaptation may do to a session. Passing one of them takes the step back and stops adapting.</summary>
public sealed record GuardSettings
{
    /// <summary>Of ||theta − theta0|| / ||theta0||, from 0; infinite: no bound. Default 0.1: about five times what a stream of 40 frames does.</summary>
    public float MaxDrift { get; init; } = 0.1f;

    /// <summary>Share of the picture on which base and adapted mask may differ, from 0; 1 or more: no bound. Default 0.25.</summary>
    public float MaxDisagreement { get; init; } = 0.25f;

    /// <summary>Loss over the running median of frames with the same pseudo label, from 0; infinite: no bound. Default 3.</summary>
    public float MaxLossRatio { get; init; } = 3;

    /// <summary>
    /// Frames in a row with the same pseudo label that may adapt; further ones are passed over until the other label comes. From 1, default 4: an
    /// hour of authentic frames would otherwise teach the head that nothing is ever forged.
    /// </summary>
    public int MaxSameLabel { get; init; } = 4;

    /// <summary>The guard compares base and adapted mask on each n-th frame that gets a mask. From 1, default 16.</summary>
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
