using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.Packaging;
using LoupeGrpc.Server.Contract;
using LoupeGrpc.Server.Streaming;
using LoupeGrpc.V1;
using AdaptationSettings = LoupeGrpc.Engine.Adaptation.AdaptationSettings;

namespace LoupeGrpc.Server.Execution;

/// <summary>The ladder, as calls see it. Does not own it.</summary>
internal sealed class LadderAnalyzer(ExecutionLadder ladder, ModelPackage package) : IFrameAnalyzer
{
    public ModelInfo Model { get; } = package.ToMessage();

    public ExecutionDescription Execution => ladder.Execution;

    public IReadOnlyList<RungReport> Ladder => ladder.Report();

    public IAnalysisLane OpenLane(bool pinned) => ladder.Open(pinned);

    public AdaptationSession CreateAdaptation(AdaptationSettings settings) => ladder.CreateAdaptation(settings);
}
