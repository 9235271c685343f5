namespace LoupeGrpc.Engine.Execution;

internal static class Scores
{
    /// <summary>The pseudo label, and without a calibration the score: σ in single precision.</summary>
    public static float OfLogit(float logit) => 1 / (1 + MathF.Exp(-logit));
}
