using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Execution;

/// <summary>Analyses frames, on whatever serves. Tests put a script in its place. Thread-safe.</summary>
public interface IFrameAnalyzer
{
    ModelDescription Model { get; }

    /// <summary>What a session that opens now runs on.</summary>
    ExecutionDescription Execution { get; }

    /// <summary>Every configured provider, in the order of preference.</summary>
    IReadOnlyList<RungReport> Ladder { get; }

    /// <summary>What keeps busy what serves now.</summary>
    FrameCapacity Capacity { get; }

    /// <summary>Whether a run takes far longer than any should: nobody new is to be sent here until it ends.</summary>
    bool IsOverdue { get; }

    /// <summary>A place for a session on what serves now.</summary>
    /// <param name="pinned">It stays there, whatever serves later.</param>
    IAnalysisLane OpenLane(bool pinned);

    /// <summary>Begins adapting a session, at the model's own parameters: they are the same on every rung.</summary>
    /// <exception cref="ArgumentException">A setting is out of its range.</exception>
    AdaptationSession CreateAdaptation(AdaptationSettings settings);
}
