namespace LoupeGrpc.Engine.Batching;

/// <summary>The work of one worker of a stage, called by one thread. One that owns something is <see cref="IDisposable"/> too.</summary>
internal interface IFrameStep
{
    /// <returns>The frame's answer, or null: it goes on to the next stage.</returns>
    AnalysisOutcome? Process(FrameJob job);
}
