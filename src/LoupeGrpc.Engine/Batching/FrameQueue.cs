namespace LoupeGrpc.Engine.Batching;

/// <summary>Frames that wait for a run, oldest first. Thread-safe.</summary>
internal sealed class FrameQueue
{
    private readonly object _lock = new();
    private readonly List<FrameJob> _waiting = [];
    private bool _closed;

    public void Enqueue(FrameJob job)
    {
        lock (_lock)
        {
            _waiting.Add(job);
            Monitor.Pulse(_lock);
        }
    }

    /// <summary>Frames that were taken and have to run again: they come before all others.</summary>
    public void PutBack(IReadOnlyList<FrameJob> jobs)
    {
        lock (_lock)
        {
            _waiting.InsertRange(0, jobs);
            Monitor.PulseAll(_lock);
        }
    }

    /// <summary>Waits for a frame.</summary>
    /// <returns>False: the queue is closed and empty.</returns>
    public bool WaitForFrame()
    {
        lock (_lock)
        {
            while (_waiting.Count == 0)
            {
                if (_closed)
                {
                    return false;
                }

                Monitor.Wait(_lock);
            }

            return true;
        }
    }

    /// <summary>Takes the frames of one run. One that must run alone does; the others go together as the planner says.</summary>
    /// <param name="refuse">Why a frame is not to run any more; null: it is.</param>
    /// <param name="run">Gets the frames of the run; none, where none is left.</param>
    /// <param name="refused">Gets the frames that are not to run, wherever they stood.</param>
    public void Take(
        BatchPlanner planner, Func<FrameJob, AnalysisOutcome?> refuse, List<FrameJob> run, List<(FrameJob Job, AnalysisOutcome Outcome)> refused)
    {
        lock (_lock)
        {
            int kept = 0;
            int together = 0;
            for (int i = 0; i < _waiting.Count; i++)
            {
                var job = _waiting[i];
                if (refuse(job) is { } outcome)
                {
                    refused.Add((job, outcome));
                }
                else
                {
                    _waiting[kept++] = job;
                    together += job.RunsAlone ? 0 : 1;
                }
            }

            _waiting.RemoveRange(kept, _waiting.Count - kept);
            if (kept == 0)
            {
                return;
            }

            if (_waiting[0].RunsAlone)
            {
                run.Add(_waiting[0]);
                _waiting.RemoveAt(0);
                return;
            }

            int count = planner.NextRun(together);
            for (int i = 0; run.Count < count; i++)
            {
                if (!_waiting[i].RunsAlone)
                {
                    run.Add(_waiting[i]);
                }
            }

            _waiting.RemoveAll(run.Contains);
        }
    }

    /// <summary>Lets those who wait for a frame go when none is left.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _closed = true;
            Monitor.PulseAll(_lock);
        }
    }
}
