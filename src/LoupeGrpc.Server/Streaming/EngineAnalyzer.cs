using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.Server.Contract;
using LoupeGrpc.Server.Execution;
using LoupeGrpc.V1;
using AdaptationSettings = LoupeGrpc.Engine.Adaptation.AdaptationSettings;

namespace LoupeGrpc.Server.Streaming;

/// <summary>One engine that always serves, as calls see it. Does not own it.</summary>
internal sealed class EngineAnalyzer(LoupeEngine engine) : IFrameAnalyzer, IAnalysisLane
{
    public ModelInfo Model { get; } = engine.Package.ToMessage();

    public ExecutionDescription Execution => engine.Execution;

    public IReadOnlyList<RungReport> Ladder =>
        [new RungReport(Execution.Provider, RungState.Serving, string.Empty, Execution.Precision, Execution.Device, null, 0)];

    public IAnalysisLane OpenLane(bool pinned) => this;

    public bool TryMove() => false;

    public AdaptationSession CreateAdaptation(AdaptationSettings settings) => engine.CreateAdaptation(settings);

    public ValueTask<AnalysisOutcome> AnalyzeAsync(FrameInput input, AnalysisRequest request, CancellationToken cancellationToken) =>
        engine.AnalyzeAsync(input, request, cancellationToken);

    public void Dispose()
    {
        // A lane of an engine that never changes holds nothing.
    }
}
