namespace LoupeGrpc.Engine.Pipeline;

/// <summary>What a stage does with a frame, called by one thread. One that owns something is <see cref="IDisposable"/> too.</summary>
internal interface IFrameStep
{
    /// <summary>Waits for what the step needs before it can take a frame.</summary>
    /// <returns>False: it will not come any more.</returns>
    bool Prepare() => true;

    /// <returns>The frame's answer, or null: it goes on to the next stage.</returns>
    AnalysisOutcome? Process(FrameJob job);
}
