using LoupeGrpc.Client.Cli.Output;

namespace LoupeGrpc.Client.Cli.Events;

/// <summary>Tells what was found and lost, from the rows of a run.</summary>
internal interface IFindingTracker : IOutcomeSink
{
    /// <summary>So far.</summary>
    long Findings { get; }

    /// <summary>So far.</summary>
    long Losses { get; }

    /// <summary>What has not ended ends with the run.</summary>
    void Complete();
}
