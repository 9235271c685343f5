using LoupeGrpc.Engine;
using LoupeGrpc.Server.Streaming;

namespace LoupeGrpc.Server.Execution;

/// <summary>A session's place on the ladder. Frames may be inside at several rungs at a time; moves come from one thread.</summary>
/// <param name="pinned">It never moves.</param>
internal sealed class ExecutionLane(ExecutionLadder ladder, RungEngine engine, bool pinned) : IAnalysisLane
{
    private RungEngine _engine = engine;

    public ExecutionDescription Execution => _engine.Engine.Execution;

    public bool TryMove()
    {
        if (pinned)
        {
            return false;
        }

        var before = _engine;
        _engine = ladder.Move(before);
        return _engine != before;
    }

    public async ValueTask<AnalysisOutcome> AnalyzeAsync(FrameInput input, AnalysisRequest request, CancellationToken cancellationToken)
    {
        var engine = _engine;
        ladder.BeginCall(engine);
        try
        {
            return await engine.Engine.AnalyzeAsync(input, request, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            ladder.EndCall(engine);
        }
    }

    public void Dispose() => ladder.Leave(_engine);
}
