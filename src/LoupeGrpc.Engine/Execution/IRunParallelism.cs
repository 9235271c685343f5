namespace LoupeGrpc.Engine.Execution;

/// <summary>On how many threads the runs of a graph work.</summary>
internal interface IRunParallelism
{
    /// <summary>Whether the run that begins now works on its caller's thread alone, instead of on all that the session has.</summary>
    bool IsSingle { get; }
}
