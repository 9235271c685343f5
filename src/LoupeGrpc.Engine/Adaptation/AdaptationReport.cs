namespace LoupeGrpc.Engine.Adaptation;

/// <summary>A session's adaptation state, described.</summary>
/// <param name="Step">Optimiser steps since the base parameters.</param>
/// <param name="Hash">SHA-256 of the adapted tensors as little-endian fp32 in the package's order, 32 bytes.</param>
/// <param name="Drift">||theta − theta0|| / ||theta0||.</param>
/// <param name="Frozen">Frames do not adapt it.</param>
/// <param name="LastLoss">Of the last step; 0 before the first.</param>
public sealed record AdaptationReport(long Step, ReadOnlyMemory<byte> Hash, float Drift, bool Frozen, float LastLoss);

/// <summary>Why the guard acted.</summary>
public enum GuardReason
{
    Drift,
    Disagreement,
    Loss,
    NotFinite,

    /// <summary>The step could not be computed.</summary>
    StepFailed,
}

/// <summary>The guard acted.</summary>
/// <param name="Action">What it did.</param>
/// <param name="Message">For people: the value, the bound and the setting.</param>
/// <param name="After">The state it left.</param>
public sealed record GuardEvent(GuardReason Reason, GuardAction Action, string Message, AdaptationReport After);
