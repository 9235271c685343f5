using LoupeGrpc.Engine;

namespace LoupeGrpc.Server.Sessions.Frames;

/// <summary>
/// What a session's frames go without at the moment: one thing more after each frame that was lost, one less after some in a row that were not. Thread-safe.
/// </summary>
/// <param name="allowed">By the session.</param>
internal sealed class SessionEconomies(Economies allowed)
{
    /// <summary>Results without a loss between them, after which one thing comes back.</summary>
    public const int Recovery = 16;

    /// <summary>What hurts least first.</summary>
    private static readonly Economies[] Order = [Economies.NoAdaptationStep, Economies.NoDualVerdict, Economies.NoMask];

    private readonly Lock _lock = new();
    private readonly Economies[] _steps = [.. Order.Where(step => allowed.HasFlag(step))];
    private int _level;
    private int _results;

    /// <summary>For the next frame.</summary>
    public Economies Current
    {
        get
        {
            lock (_lock)
            {
                return _steps.Take(_level).Aggregate(Economies.None, static (all, step) => all | step);
            }
        }
    }

    /// <summary>A frame has its outcome. Losses are those that more speed would have saved.</summary>
    public void Note(FrameEnd end)
    {
        lock (_lock)
        {
            if (end is FrameEnd.Expired or FrameEnd.Dropped { Cause: DropCause.Superseded or DropCause.Stale })
            {
                (_level, _results) = (Math.Min(_level + 1, _steps.Length), 0);
            }
            else if (end is FrameEnd.Analysed && ++_results >= Recovery)
            {
                (_level, _results) = (Math.Max(_level - 1, 0), 0);
            }
        }
    }
}
