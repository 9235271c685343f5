using LoupeGrpc.Engine;

namespace LoupeGrpc.Execution;

/// <summary>Where the frames of one session are analysed. Disposed once, when none of them is inside any more.</summary>
public interface IAnalysisLane : IDisposable
{
    /// <summary>What the next frame runs on. May be read from any thread, and after the lane was disposed.</summary>
    ExecutionDescription Execution { get; }

    /// <summary>Takes what serves now, where that has changed. Called by the one who lets frames in, between two of them.</summary>
    /// <returns>Whether <see cref="Execution"/> is another than before.</returns>
    bool TryMove();

    /// <summary>
    /// Waits while there is no room. Failures, cancellation among them, are values. The bytes of <paramref name="input"/> are read until the answer.
    /// </summary>
    ValueTask<AnalysisOutcome> AnalyzeAsync(FrameInput input, AnalysisRequest request, CancellationToken cancellationToken);
}
