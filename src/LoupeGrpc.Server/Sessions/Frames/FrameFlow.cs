using LoupeGrpc.Server.Models;

namespace LoupeGrpc.Server.Sessions.Frames;

/// <summary>The frames of one session that wait for the engine, oldest first, and the session's share of it. Its state is the scheduler's, under its lock.</summary>
/// <param name="load">Of the engines that its frames go to.</param>
/// <param name="limit">How many of them may be in the engine now. Called under the scheduler's lock.</param>
internal sealed class FrameFlow(ModelLoad load, FlowPolicy policy, Func<int> limit)
{
    public ModelLoad Load => load;

    public FlowPolicy Policy => policy;

    public LinkedList<QueuedFrame> Waiting { get; } = [];

    /// <summary>Frames in the engine.</summary>
    public int Inside { get; set; }

    /// <summary>Engine time that the session has had, in the scheduler's virtual seconds: who has the least is next.</summary>
    public double Served { get; set; }

    /// <summary>Engine time that its next frame is expected to take, seconds; 0: nobody knows.</summary>
    public double Cost { get; set; }

    /// <summary>Seconds from a frame's entry to its outcome, expected; 0: nobody knows.</summary>
    public double Transit { get; set; }

    /// <summary>Nobody waits for its frames any more.</summary>
    public bool Abandoned { get; set; }

    /// <summary>Whether its next frame may go in, as far as there is room for one more.</summary>
    public bool IsReady => Waiting.First is { } first && (!first.Value.IsHeavy || load.HeavyInside < load.Capacity.Heavy) && Inside < limit();
}

/// <summary>How the frames of a session wait.</summary>
/// <param name="OnlyFreshest">One waits; the next one takes its place.</param>
/// <param name="StalenessBudget">Age from which a frame is dropped; null: never.</param>
internal sealed record FlowPolicy(bool OnlyFreshest, TimeSpan? StalenessBudget)
{
    /// <summary>Whether its frames lose their worth while they wait: they go before others that have had as much of the engine.</summary>
    public bool IsUrgent => OnlyFreshest || StalenessBudget is not null;
}
