namespace LoupeGrpc.Quality;

/// <summary>Functions of logits that neither overflow nor lose what is small.</summary>
internal static class Logits
{
    /// <summary>Nearer to 0 and 1 a probability has no logit that is of use.</summary>
    private const double Edge = 1e-6;

    public static double Sigmoid(double logit) => 1 / (1 + Math.Exp(-logit));

    /// <summary>log(1 + exp x): the loss of a certain "authentic" at the logit x, and at -x that of a certain "forged".</summary>
    public static double Softplus(double logit) => Math.Max(logit, 0) + double.LogP1(Math.Exp(-Math.Abs(logit)));

    /// <summary>That of a probability, which counts as one in a million at least, and as all but that at most.</summary>
    public static double Of(double probability)
    {
        var inside = Math.Clamp(probability, Edge, 1 - Edge);
        return Math.Log(inside / (1 - inside));
    }

    /// <exception cref="ArgumentException">A logit is not finite.</exception>
    public static void Check(IEnumerable<JudgedLogit> pictures)
    {
        if (!pictures.All(static picture => double.IsFinite(picture.Logit)))
        {
            throw new ArgumentException("A logit is not a finite number: leave its picture out.", nameof(pictures));
        }
    }
}
