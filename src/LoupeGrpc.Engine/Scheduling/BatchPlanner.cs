using LoupeGrpc.Engine.Execution;

namespace LoupeGrpc.Engine.Scheduling;

/// <summary>
/// Decides by measured times which runs the frames at hand become. A larger run must save time to be preferred, since all of its frames wait for its end.
/// No frame is held back for company: while a run is on, frames gather behind it by themselves, and on an idle device a frame that waits for another
/// pays with its own time for a gain that only comes if the other arrives within it. What one run of two saves against two runs of one is less than
/// one run; cameras send a frame in 20 to 40 ms, so the wait would on average be longer than what it saves.
/// </summary>
internal sealed class BatchPlanner(BatchSizes sizes, RunTimes times)
{
    /// <summary>Share of the time that a larger run must save: medians of a busy machine differ by less from chance alone.</summary>
    private const double LeastGain = 0.02;

    /// <summary>How many of the frames that wait, oldest first, the next run takes.</summary>
    /// <param name="waiting">At least 1.</param>
    public int NextRun(int waiting)
    {
        var buckets = sizes.Buckets;

        // Beyond two of the largest the next run is the same.
        waiting = Math.Min(waiting, 2 * buckets[^1]);
        Span<double> cost = stackalloc double[waiting + 1];
        Span<int> run = stackalloc int[waiting + 1];
        cost[0] = 0;
        for (int frames = 1; frames <= waiting; frames++)
        {
            cost[frames] = double.PositiveInfinity;
            foreach (int bucket in buckets)
            {
                double candidate = times.Of(bucket) + cost[Math.Max(0, frames - bucket)];
                if (candidate < cost[frames] * (1 - LeastGain))
                {
                    (cost[frames], run[frames]) = (candidate, Math.Min(bucket, frames));
                }
            }
        }

        // Of the runs that the frames become, the one with the least time for each of its frames comes first: together they wait least then.
        int best = 0;
        double bestRate = double.PositiveInfinity;
        for (int frames = waiting; frames > 0; frames -= run[frames])
        {
            double rate = times.Of(sizes.BucketOf(run[frames])) / run[frames];
            if (rate < bestRate)
            {
                (best, bestRate) = (run[frames], rate);
            }
        }

        return best;
    }

    /// <summary>Runs over rows beside each other that touch every wanted row once.</summary>
    /// <param name="wanted">Rows, ascending, at least one.</param>
    /// <param name="within">No run reaches beyond these: what other rows hold may be in use.</param>
    public List<RowRange> Cover(IReadOnlyList<int> wanted, RowRange within)
    {
        int rows = within.Count;
        wanted = [.. wanted.Select(row => row - within.First)];
        var buckets = sizes.Buckets;
        Span<double> cost = stackalloc double[rows + 1];
        Span<int> first = stackalloc int[rows];
        Span<int> count = stackalloc int[rows];
        cost[rows] = 0;
        int next = wanted.Count - 1;
        for (int from = rows - 1; from >= 0; from--)
        {
            // The first wanted row that is not before this one.
            while (next > 0 && wanted[next - 1] >= from)
            {
                next--;
            }

            (cost[from], count[from]) = (0, 0);
            if (wanted[next] < from)
            {
                continue;
            }

            cost[from] = double.PositiveInfinity;
            foreach (int bucket in buckets)
            {
                // Near the end a run begins earlier, but never in a run before it.
                int start = Math.Min(wanted[next], rows - bucket);
                if (start >= from && times.Of(bucket) + cost[start + bucket] is var candidate && candidate < cost[from] * (1 - LeastGain))
                {
                    (cost[from], first[from], count[from]) = (candidate, start, bucket);
                }
            }
        }

        var runs = new List<RowRange>();
        for (int from = 0; from < rows && count[from] > 0; from = first[from] + count[from])
        {
            runs.Add(new RowRange(within.First + first[from], count[from]));
        }

        return runs;
    }

    /// <summary>A run took this long.</summary>
    public void Record(int bucket, TimeSpan elapsed) => times.Record(bucket, elapsed);
}
