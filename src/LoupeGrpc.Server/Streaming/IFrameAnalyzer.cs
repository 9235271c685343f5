using LoupeGrpc.Engine;
using LoupeGrpc.V1;

namespace LoupeGrpc.Server.Streaming;

/// <summary>What calls need of the engine. Thread-safe.</summary>
internal interface IFrameAnalyzer
{
    ModelInfo Model { get; }

    ExecutionDescription Execution { get; }

    /// <summary>
    /// Waits while there is no room. Failures, cancellation among them, are values. The bytes of <paramref name="input"/> are read until the answer.
    /// </summary>
    ValueTask<AnalysisOutcome> AnalyzeAsync(FrameInput input, AnalysisRequest request, CancellationToken cancellationToken);
}
