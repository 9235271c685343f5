namespace LoupeGrpc.Client.Cli.Evaluating;

/// <summary>A picture of which the truth is known.</summary>
/// <param name="Path">The file.</param>
/// <param name="IsForged">The truth.</param>
/// <param name="Mask">A picture of the same size, white where forged; null where that is not known.</param>
/// <param name="Columns">Further columns of the list, by their names.</param>
internal sealed record TruthCase(string Path, bool IsForged, string? Mask, IReadOnlyDictionary<string, string> Columns);
