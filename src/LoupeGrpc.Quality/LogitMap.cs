namespace LoupeGrpc.Quality;

/// <summary>From what the model says to the logit of a score: the first divided by the temperature, and the bias added.</summary>
/// <param name="Temperature">Above 0.</param>
/// <param name="Bias">Added after the division.</param>
/// <param name="TileBias">Taken from the logits of pictures in tiles before it.</param>
internal readonly record struct LogitMap(double Temperature, double Bias, double TileBias)
{
    /// <summary>What changes nothing.</summary>
    public static LogitMap None => new(1, 0, 0);

    public double Of(JudgedLogit picture) => Of(picture.Logit, picture.IsTiled);

    public double Of(double logit, bool isTiled) => ((isTiled ? logit - TileBias : logit) / Temperature) + Bias;
}
