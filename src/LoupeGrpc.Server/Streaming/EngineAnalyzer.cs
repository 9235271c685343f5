using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.V1;
using AdaptationSettings = LoupeGrpc.Engine.Adaptation.AdaptationSettings;

namespace LoupeGrpc.Server.Streaming;

/// <summary>The engine, as calls see it. Does not own it.</summary>
internal sealed class EngineAnalyzer(LoupeEngine engine) : IFrameAnalyzer
{
    public ModelInfo Model { get; } = new()
    {
        Name = engine.Package.Manifest.Name,
        Version = engine.Package.Manifest.Version,
        Hash = engine.Package.Hash,
        Demonstration = engine.Package.Manifest.Demonstration,
        ImageSize = (uint)engine.Package.Manifest.ImageSize,
        PatchGrid = (uint)engine.Package.Manifest.Grid,
    };

    public ExecutionDescription Execution => engine.Execution;

    public AdaptationSession CreateAdaptation(AdaptationSettings settings) => engine.CreateAdaptation(settings);

    public ValueTask<AnalysisOutcome> AnalyzeAsync(FrameInput input, AnalysisRequest request, CancellationToken cancellationToken) =>
        engine.AnalyzeAsync(input, request, cancellationToken);
}
