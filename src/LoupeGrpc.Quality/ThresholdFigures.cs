namespace LoupeGrpc.Quality;

/// <summary>What one threshold finds. Shares are null where there is nothing to have a share of.</summary>
/// <param name="Threshold">Pictures with this score or a higher one are called forged.</param>
/// <param name="Found">Forged pictures among them.</param>
/// <param name="FalseAlarms">Authentic ones.</param>
/// <param name="Forged">Forged pictures in all.</param>
/// <param name="Authentic">Authentic ones.</param>
internal sealed record ThresholdFigures(double Threshold, int Found, int FalseAlarms, int Forged, int Authentic)
{
    /// <summary>Share of the forged pictures that are called so.</summary>
    public double? Recall => Ratio(Found, Forged);

    /// <summary>Share of the authentic pictures that are called forged.</summary>
    public double? FalseAlarmRate => Ratio(FalseAlarms, Authentic);

    /// <summary>Share of what is called forged that is.</summary>
    public double? Precision => Ratio(Found, Found + FalseAlarms);

    public double? F1 => Ratio(2.0 * Found, Found + FalseAlarms + Forged);

    public double? Accuracy => Ratio(Found + Authentic - FalseAlarms, Forged + Authentic);

    private static double? Ratio(double part, int whole) => whole == 0 ? null : part / whole;
}
