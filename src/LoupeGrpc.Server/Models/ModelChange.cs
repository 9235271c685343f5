namespace LoupeGrpc.Server.Models;

/// <summary>What became of a model that was looked at anew.</summary>
/// <param name="Serving">Under this name now; null: nothing.</param>
/// <param name="Changed">Whether it is another package than before.</param>
/// <param name="Left">Sessions and pictures that end on the package before.</param>
/// <param name="Refusal">Why what lies in the folder does not serve; null: it does.</param>
internal sealed record ModelChange(string Name, ModelStatus? Serving, bool Changed, int Left, string? Refusal);
