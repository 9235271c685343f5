namespace LoupeGrpc.Quality;

/// <summary>What a threshold at a score finds.</summary>
/// <param name="Threshold">The score; pictures from it on are called forged.</param>
/// <param name="Found">Forged pictures among them.</param>
/// <param name="FalseAlarms">Authentic ones.</param>
internal readonly record struct CurvePoint(double Threshold, int Found, int FalseAlarms);
