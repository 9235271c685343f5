namespace LoupeGrpc.Engine.Tiling;

/// <summary>From the logits of tiles to the score of their picture.</summary>
internal static class TileScores
{
    /// <summary>Logits count no further from 0: one tile alone does not decide about a hundred.</summary>
    public const float LogitBound = 8;

    public static double Clip(double logit) => Math.Clamp(logit, -LogitBound, LogitBound);

    public static double Sigmoid(double logit) => 1 / (1 + Math.Exp(-logit));

    /// <summary>log(mean(exp z)): false alarms do not grow with the size of a picture, as those of the maximum do.</summary>
    /// <param name="logits">Clipped, at least one.</param>
    public static double Pool(ReadOnlySpan<double> logits)
    {
        double sum = 0;
        foreach (double logit in logits)
        {
            sum += Math.Exp(logit);
        }

        return Math.Log(sum / logits.Length);
    }
}
