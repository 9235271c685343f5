using System.Runtime.CompilerServices;
using LoupeGrpc.Engine;

namespace LoupeGrpc.Execution;

/// <summary>A session's place on the board. Frames may be inside at several rungs at a time; moves come from one thread.</summary>
/// <param name="pinned">It never moves.</param>
internal sealed class ExecutionLane(RungBoard board, bool pinned) : IAnalysisLane
{
    /// <summary>Read by whoever describes the session, while it moves.</summary>
    private volatile RungEngine _engine = board.Attach();

    public ExecutionDescription Execution => _engine.Engine.Execution;

    public bool TryMove()
    {
        if (pinned)
        {
            return false;
        }

        var before = _engine;
        var now = board.Move(before);
        _engine = now;
        return now != before;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<AnalysisOutcome> AnalyzeAsync(FrameInput input, AnalysisRequest request, CancellationToken cancellationToken)
    {
        var engine = _engine;
        board.BeginCall(engine);
        try
        {
            return await engine.Engine.AnalyzeAsync(input, request, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            board.EndCall(engine);
        }
    }

    public void Dispose() => board.Leave(_engine);
}
