using LoupeGrpc.Client.Cli.Artifacts;
using LoupeGrpc.Client.Cli.CommandLine;
using LoupeGrpc.Client.Cli.Running;

namespace LoupeGrpc.Client.Cli.Commands;

/// <summary>What only `stream` does.</summary>
/// <param name="Checkpoints">The adaptation states it begins from and leaves behind.</param>
/// <param name="Plot">Where its curves are drawn; null: nowhere.</param>
/// <param name="Temporal">Whether it is judged over time.</param>
internal sealed record StreamExtras(Checkpoints Checkpoints, OutputFile? Plot, TemporalRequest Temporal);
