using LoupeGrpc.V1;

namespace LoupeGrpc.Client.Cli.CommandLine;

/// <summary>What `stream` was told about adaptation.</summary>
/// <param name="Settings">Null: without adaptation.</param>
/// <param name="SnapshotFile">Where the state is saved at the end; null: nowhere.</param>
/// <param name="ResumeFile">What the session begins from; null: the base parameters.</param>
internal sealed record AdaptationArguments(AdaptationSettings? Settings, string? SnapshotFile, string? ResumeFile);
