using LoupeGrpc.Engine.Diagnostics;
using LoupeGrpc.Engine.Execution;

namespace LoupeGrpc.Engine.Batching;

/// <summary>
/// The segmentation head over the frames of a batch that need it, each with the parameters of its session or, without one that adapts, of the package.
/// Their features stay where the encoder left them, so the runs are over rows beside each other.
/// </summary>
/// <param name="next">Gets the frames that were segmented. Never waits.</param>
internal sealed class SegmentStep(ModelRuns runs, RunJudge judge, FrameExit exit, StageClock clock, Action<FrameJob> next)
{
    private const string Name = "segment";

    /// <summary>Sends every frame that waits in the batch on or out.</summary>
    public void Process(FrameBatch batch)
    {
        var jobs = Wanted(batch);
        var ranges = new Stack<RowRange>();
        Plan(ranges, new RowRange(0, batch.Rows), jobs);
        while (ranges.TryPop(out var rows))
        {
            var run = jobs.FindAll(job => job.Row >= rows.First && job.Row < rows.End);
            try
            {
                Segment(batch.Slot, rows, run);
                Compare(batch.Slot, rows, run.FindAll(static job => job.NeedsDualVerdict));
                judge.Succeeded(Name);
            }
            catch (Exception exception)
            {
                if (judge.Judge(exception, Name, rows.Count, run) is { } failure)
                {
                    run.ForEach(job => exit.Leave(job, failure));
                }
                else
                {
                    Plan(ranges, rows, run);
                }

                continue;
            }

            run.ForEach(next);
        }
    }

    private List<FrameJob> Wanted(FrameBatch batch)
    {
        var wanted = new List<FrameJob>(batch.Waiting.Count);
        foreach (var job in batch.Waiting)
        {
            job.Timings = job.Timings with { Queue = job.Timings.Queue + clock.Since(batch.QueuedAt) };
            if (exit.Refuse(job) is { } outcome)
            {
                exit.Leave(job, outcome);
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

    private void Segment(RunSlot slot, RowRange rows, List<FrameJob> run)
    {
        long start = clock.Now;
        foreach (var job in run)
        {
            slot.PseudoLabels.Values[job.Row] = job.Score;
            if (job.Request.Adaptation is { } session)
            {
                slot.SetParameters(job.Row, session.State.Theta.Span);
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

        var elapsed = clock.RecordRun(Stage.Segment, start, rows.Count, run.Count);
        runs.SegmentPlanner.Record(rows.Count, elapsed);
        foreach (var job in run)
        {
            job.Timings = job.Timings with { Segment = elapsed };
            clock.Record(Stage.Segment, elapsed);
        }
    }

    /// <summary>The base masks of the dual verdicts.</summary>
    private void Compare(RunSlot slot, RowRange within, List<FrameJob> run)
    {
        if (run.Count == 0)
        {
            return;
        }

        long start = clock.Now;
        run.ForEach(job => slot.SetParameters(job.Row, runs.Model.BaseParameters));
        foreach (var rows in runs.SegmentPlanner.Cover([.. run.Select(static job => job.Row)], within))
        {
            slot.Adaptation.SegmentBase(rows);
        }

        var elapsed = clock.Since(start);
        run.ForEach(job => job.Timings = job.Timings with { Dual = elapsed });
    }
}
