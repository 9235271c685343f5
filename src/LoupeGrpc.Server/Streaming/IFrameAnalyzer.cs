using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.V1;
using AdaptationSettings = LoupeGrpc.Engine.Adaptation.AdaptationSettings;

namespace LoupeGrpc.Server.Streaming;

/// <summary>What calls need of the engine. Thread-safe.</summary>
internal interface IFrameAnalyzer
{
    ModelInfo Model { get; }

    ExecutionDescription Execution { get; }

    /// <summary>Begins adapting a session, at the model's own parameters.</summary>
    /// <param name="settings">Within their ranges.</param>
    AdaptationSession CreateAdaptation(AdaptationSettings settings);

    /// <summary>
    /// Waits while there is no room. Failures, cancellation among them, are values. The bytes of <paramref name="input"/> are read until the answer.
    /// </summary>
    ValueTask<AnalysisOutcome> AnalyzeAsync(FrameInput input, AnalysisRequest request, CancellationToken cancellationToken);
}
