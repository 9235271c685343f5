using LoupeGrpc.V1;

namespace LoupeGrpc.Client.Cli.Artifacts;

/// <summary>An input that an earlier run has analysed.</summary>
/// <param name="Mark">When it was, and how.</param>
/// <param name="Sha256">Of the bytes that were analysed, lower-case hex.</param>
/// <param name="Verdict">Counts for the exit code as if it were of this run.</param>
/// <param name="Score">0 to 1.</param>
/// <param name="MaskFile">Null where there is none.</param>
/// <param name="OverlayFile">Null where there is none.</param>
internal sealed record DoneInput(DoneMark Mark, string Sha256, Verdict Verdict, float Score, string? MaskFile, string? OverlayFile);
