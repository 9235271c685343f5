namespace LoupeGrpc.Engine.Tiling;

/// <summary>From the logits of tiles to the score of their picture.</summary>
internal static class TileScores
{
    /// <summary>Logits count no further from 0: one tile alone does not decide about a hundred.</summary>
    public const float LogitBound = 8;

    public static double Clip(float logit) => Math.Clamp(logit, -LogitBound, LogitBound);

    public static double Sigmoid(double logit) => 1 / (1 + Math.Exp(-logit));

    /// <summary>σ(log(mean(exp z)) - bias): false alarms do not grow with the size of a picture, as those of the maximum do.</summary>
    /// <param name="logits">Clipped, at least one.</param>
    /// <param name="bias">Of the package.</param>
    public static double Pool(ReadOnlySpan<double> logits, double bias)
    {
        double sum = 0;
        foreach (double logit in logits)
        {
            sum += Math.Exp(logit);
        }

        return Sigmoid(Math.Log(sum / logits.Length) - bias);
    }
}
