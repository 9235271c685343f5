using LoupeGrpc.Engine.Diagnostics;
using LoupeGrpc.Engine.Execution;
using LoupeGrpc.Engine.Scheduling;

namespace LoupeGrpc.Engine.Pipeline;

/// <summary>
/// The segmentation head over the frames of a batch that need it, each with the parameters of its session or, without one that adapts, of the package.
/// Their features stay where the encoder left them, so the runs are over rows beside each other.
/// </summary>
/// <param name="next">Gets the frames that were segmented.</param>
internal sealed class SegmentWorker(Stage stage, ModelRuns runs, Action<FrameJob> next) : IStageWorker
{
    private readonly List<FrameJob> _taken = [];

    public bool TryTake()
    {
        _taken.Clear();
        return stage.Queue.TryTake(Select);
    }

    public void Work()
    {
        var batch = _taken[0].Batch!;
        var jobs = Begin();
        var ranges = new Stack<RowRange>();
        Plan(ranges, new RowRange(0, batch.Rows), jobs);
        while (ranges.TryPop(out var rows))
        {
            Segment(batch.Slot, rows, jobs.FindAll(job => job.Row >= rows.First && job.Row < rows.End), ranges);
        }
    }

    public void Dispose()
    {
        // It owns nothing.
    }

    /// <summary>The frames of the batch that has waited longest.</summary>
    private void Select(List<FrameJob> waiting)
    {
        var batch = waiting[0].Batch;
        _taken.AddRange(waiting.Where(job => job.Batch == batch));
        waiting.RemoveAll(_taken.Contains);
    }

    /// <returns>Those that are still wanted.</returns>
    private List<FrameJob> Begin()
    {
        var wanted = new List<FrameJob>(_taken.Count);
        foreach (var job in _taken)
        {
            long now = stage.Clock.Now;
            job.Timings = job.Timings with { Queue = job.Timings.Queue + stage.Clock.Between(job.QueuedAt, now) };
            if (stage.Begin(job, now) is { } refusal)
            {
                stage.Exit.Leave(job, refusal);
            }
            else
            {
                wanted.Add(job);
            }
        }

        return wanted;
    }

    private void Plan(Stack<RowRange> ranges, RowRange within, List<FrameJob> jobs)
    {
        if (jobs.Count == 0)
        {
            return;
        }

        if (jobs[0].RunsAlone)
        {
            jobs.ForEach(job => ranges.Push(new RowRange(job.Row, 1)));
        }
        else
        {
            runs.SegmentPlanner.Cover([.. jobs.Select(static job => job.Row)], within).ForEach(ranges.Push);
        }
    }

    /// <summary>One run, or, where it failed and may succeed another way, the plan of that.</summary>
    private void Segment(RunSlot slot, RowRange rows, List<FrameJob> run, Stack<RowRange> ranges)
    {
        try
        {
            Segment(slot, rows, run);
            Compare(slot, rows, run.FindAll(static job => job.NeedsDualVerdict));
            stage.Classifier.Succeeded(stage.Name);
        }
        catch (Exception exception)
        {
            var verdict = stage.Classifier.Classify(exception, stage.Name, rows.Count, run.Count);
            if (verdict.Failure is { } failure)
            {
                run.ForEach(job => stage.Exit.Leave(job, failure));
            }
            else
            {
                run.ForEach(job => job.RunsAlone |= verdict.RunAlone);
                Plan(ranges, rows, run);
            }

            return;
        }

        run.ForEach(next);
    }

    private void Segment(RunSlot slot, RowRange rows, List<FrameJob> run)
    {
        long start = stage.Clock.Now;
        foreach (var job in run)
        {
            slot.PseudoLabels.Values[job.Row] = job.PseudoLabel;
            if (job.Turn is { } turn)
            {
                slot.SetParameters(job.Row, turn.Theta.Span);
            }
            else
            {
                slot.SetParameters(job.Row, runs.Model.BaseParameters);
            }
        }

        if (run.Exists(static job => job.Adapts))
        {
            slot.Adaptation.Segment(rows);
        }
        else
        {
            slot.Segment(rows);
        }

        var elapsed = stage.Clock.RecordRun(TimedWork.Segment, start, rows.Count, run);
        runs.SegmentPlanner.Record(rows.Count, elapsed);
        foreach (var job in run)
        {
            job.Timings = job.Timings with { Segment = elapsed };
            stage.Clock.Record(job, TimedWork.Segment, elapsed);
        }
    }

    /// <summary>The base masks of the dual verdicts.</summary>
    private void Compare(RunSlot slot, RowRange within, List<FrameJob> run)
    {
        if (run.Count == 0)
        {
            return;
        }

        long start = stage.Clock.Now;
        run.ForEach(job => slot.SetParameters(job.Row, runs.Model.BaseParameters));
        foreach (var rows in runs.SegmentPlanner.Cover([.. run.Select(static job => job.Row)], within))
        {
            slot.Adaptation.SegmentBase(rows);
        }

        var elapsed = stage.Clock.Since(start);
        run.ForEach(job => job.Timings = job.Timings with { Dual = elapsed });
    }
}
