namespace LoupeGrpc.Client.Cli.Inputs;

/// <summary>What the files made from one input are called. Two inputs share neither.</summary>
/// <param name="Label">The input itself, with its extension: `x/a.jpg`.</param>
/// <param name="Stem">Files made from it: `x/a`, to which an extension is added.</param>
internal sealed record ArtifactName(string Label, string Stem);
