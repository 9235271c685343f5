using LoupeGrpc.Engine.Diagnostics;
using LoupeGrpc.Engine.Execution;
using LoupeGrpc.Engine.Scheduling;

namespace LoupeGrpc.Engine.Pipeline;

/// <summary>
/// The segmentation head over the frames of a batch that need it, each with the parameters of its session or, without one that adapts, of the package.
/// Their features stay where the encoder left them, so the runs are over rows beside each other.
/// </summary>
internal sealed class SegmentWorker : IStageWorker
{
    private readonly Stage _stage;
    private readonly ModelRuns _runs;
    private readonly Action<FrameJob> _next;
    private readonly Action<List<FrameJob>> _select;
    private readonly List<FrameJob> _taken = [];

    /// <param name="next">Gets the frames that were segmented.</param>
    public SegmentWorker(Stage stage, ModelRuns runs, Action<FrameJob> next)
    {
        (_stage, _runs, _next) = (stage, runs, next);
        _select = Select;
    }

    public bool TryTake()
    {
        _taken.Clear();
        return _stage.Queue.TryTake(_select);
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
            long now = _stage.Clock.Now;
            job.Timings = job.Timings with { Queue = job.Timings.Queue + _stage.Clock.Between(job.QueuedAt, now) };
            if (_stage.Begin(job, now) is { } refusal)
            {
                _stage.Exit.Leave(job, refusal);
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
            _runs.SegmentPlanner.Cover([.. jobs.Select(static job => job.Row)], within).ForEach(ranges.Push);
        }
    }

    /// <summary>One run, or, where it failed and may succeed another way, the plan of that.</summary>
    private void Segment(RunSlot slot, RowRange rows, List<FrameJob> run, Stack<RowRange> ranges)
    {
        try
        {
            Segment(slot, rows, run);
            Compare(slot, rows, run.FindAll(static job => job.NeedsDualVerdict));
            _stage.Classifier.Succeeded(_stage.Name);
        }
        catch (Exception exception)
        {
            var verdict = _stage.Classifier.Classify(exception, _stage.Name, rows.Count, run.Count);
            if (verdict.Failure is { } failure)
            {
                run.ForEach(job => _stage.Exit.Leave(job, failure));
            }
            else
            {
                run.ForEach(job => job.RunsAlone |= verdict.RunAlone);
                Plan(ranges, rows, run);
            }

            return;
        }

        run.ForEach(_next);
    }

    private void Segment(RunSlot slot, RowRange rows, List<FrameJob> run)
    {
        long start = _stage.Clock.Now;
        foreach (var job in run)
        {
            slot.PseudoLabels.Values[job.Row] = job.PseudoLabel;
            if (job.Turn is { } turn)
            {
                slot.SetParameters(job.Row, turn.Theta.Span);
            }
            else
            {
                slot.SetParameters(job.Row, _runs.Model.BaseParameters);
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

        var elapsed = _stage.Clock.RecordRun(TimedWork.Segment, start, rows.Count, run);
        _runs.SegmentPlanner.Record(rows.Count, elapsed);
        foreach (var job in run)
        {
            job.Timings = job.Timings with { Segment = elapsed };
            _stage.Clock.Record(job, TimedWork.Segment, elapsed);
        }
    }

    /// <summary>The base masks of the dual verdicts.</summary>
    private void Compare(RunSlot slot, RowRange within, List<FrameJob> run)
    {
        if (run.Count == 0)
        {
            return;
        }

        long start = _stage.Clock.Now;
        run.ForEach(job => slot.SetParameters(job.Row, _runs.Model.BaseParameters));
        foreach (var rows in _runs.SegmentPlanner.Cover([.. run.Select(static job => job.Row)], within))
        {
            slot.Adaptation.SegmentBase(rows);
        }

        var elapsed = _stage.Clock.Since(start);
        run.ForEach(job => job.Timings = job.Timings with { Dual = elapsed });
    }
}
