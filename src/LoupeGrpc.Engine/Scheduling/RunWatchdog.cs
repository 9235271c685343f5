using LoupeGrpc.Engine.Execution;

namespace LoupeGrpc.Engine.Scheduling;

/// <summary>
/// Notices runs that do not end. Each may take a multiple of what runs of its graph and size have taken so far; those before <see cref="Arm"/>, which warm the graphs
/// up, may take as long as they need and are measured only. Thread-safe.
/// </summary>
/// <param name="factor">Times the median of the last runs; 0: nothing is watched.</param>
/// <param name="least">A run may take that long, however short others were.</param>
internal sealed class RunWatchdog(double factor, TimeSpan least, TimeProvider time)
{
    private static readonly TimeSpan LongestLimit = TimeSpan.FromDays(1);

    private volatile Action<string>? _hangs;
    private int _overdue;

    /// <summary>Whether a run has taken half of what it may take and has not ended.</summary>
    public bool IsOverdue => Volatile.Read(ref _overdue) > 0;

    /// <summary>From now on.</summary>
    /// <param name="hangs">Called, from a timer, with what is to be said of a run that does not end.</param>
    public void Arm(Action<string> hangs) => _hangs = hangs;

    /// <param name="graph">For people.</param>
    public IRunWatch Watch(string graph) => new GraphWatch(this, graph);

    private WatchedRun Begin(string graph, int rows, RunTimes times)
    {
        if (_hangs is not { } hangs || factor == 0)
        {
            return new WatchedRun(time, times, rows, limit: null, static _ => { }, static () => { });
        }

        var limit = TimeSpan.FromSeconds(Math.Clamp(factor * times.Of(rows), least.TotalSeconds, LongestLimit.TotalSeconds));
        return new WatchedRun(time, times, rows, limit, runs => Interlocked.Add(ref _overdue, runs), () => hangs(
            $"a run of the {graph} has not ended after {limit.TotalSeconds:0} s (Loupe:Engine:RunTimeoutFactor, Loupe:Engine:MinRunTimeout)"));
    }

    private sealed class GraphWatch(RunWatchdog watchdog, string graph) : IRunWatch
    {
        private readonly RunTimes _times = new();

        public IDisposable Begin(int rows) => watchdog.Begin(graph, rows, _times);
    }
}
