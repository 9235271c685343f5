namespace LoupeGrpc.Quality;

/// <summary>A picture of which the truth is known, and what was said about it.</summary>
/// <param name="IsForged">The truth.</param>
/// <param name="Score">Finite; higher is more likely forged. Probabilities are 0 to 1.</param>
/// <param name="Pixels">Its mask beside the truth; null where one of them is not known. Only those of forged pictures count.</param>
internal readonly record struct JudgedPicture(bool IsForged, double Score, PixelCounts? Pixels = null);
