using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.Server.Execution;
using LoupeGrpc.V1;
using AdaptationSettings = LoupeGrpc.Engine.Adaptation.AdaptationSettings;

namespace LoupeGrpc.Server.Streaming;

/// <summary>What calls need of the engine. Thread-safe.</summary>
internal interface IFrameAnalyzer
{
    ModelInfo Model { get; }

    /// <summary>What a session that opens now runs on.</summary>
    ExecutionDescription Execution { get; }

    /// <summary>Every configured provider, in the order of preference.</summary>
    IReadOnlyList<RungReport> Ladder { get; }

    /// <summary>A place for a session.</summary>
    /// <param name="pinned">What it runs on does not change while it lasts.</param>
    IAnalysisLane OpenLane(bool pinned);

    /// <summary>Begins adapting a session, at the model's own parameters.</summary>
    /// <param name="settings">Within their ranges.</param>
    AdaptationSession CreateAdaptation(AdaptationSettings settings);
}
