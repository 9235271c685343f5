namespace LoupeGrpc.Quality;

/// <summary>A picture of which the truth is known, and what the model says of it before that becomes a score.</summary>
/// <param name="IsForged">The truth.</param>
/// <param name="IsTiled">It was looked at in tiles, whose logits are distributed otherwise than those of whole pictures.</param>
/// <param name="Logit">Finite; higher is more likely forged.</param>
internal readonly record struct JudgedLogit(bool IsForged, bool IsTiled, double Logit);
