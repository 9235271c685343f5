namespace LoupeGrpc.Engine.Execution;

internal static class Scores
{
    /// <summary>The score, which is also the pseudo label: σ in single precision.</summary>
    public static float OfLogit(float logit) => 1 / (1 + MathF.Exp(-logit));
}
