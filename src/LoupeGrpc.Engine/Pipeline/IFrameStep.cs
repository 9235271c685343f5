namespace LoupeGrpc.Engine.Pipeline;

/// <summary>What a stage does with a frame, called by one thread. One that owns something is <see cref="IDisposable"/> too.</summary>
internal interface IFrameStep
{
    /// <summary>Takes what the step needs before it can take a frame. Does not wait.</summary>
    /// <returns>False: it is not there yet.</returns>
    bool TryPrepare() => true;

    /// <returns>The frame's answer, or null: it goes on to the next stage.</returns>
    AnalysisOutcome? Process(FrameJob job);
}
