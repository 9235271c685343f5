using LoupeGrpc.Engine.Diagnostics;
using LoupeGrpc.Engine.Execution;
using LoupeGrpc.Engine.Scheduling;

namespace LoupeGrpc.Engine.Pipeline;

/// <summary>Backbone and classifier over what waits, whichever sessions it comes from.</summary>
/// <param name="gate">Decides at once which frames need nothing further.</param>
/// <param name="next">Gets the others of a batch.</param>
internal sealed class EncodeWorker(Stage stage, ModelRuns runs, IFrameStep gate, Action<IReadOnlyList<FrameJob>> next) : IStageWorker
{
    private readonly List<FrameJob> _taken = [];
    private SlotPlace? _place;

    public bool TryTake()
    {
        _place ??= runs.Slots.TryReserve();
        _taken.Clear();
        return _place is not null && stage.Queue.TryTake(Select);
    }

    public void Work()
    {
        var place = _place!;
        _place = null;
        long now = stage.Clock.Now;
        var run = _taken.FindAll(job => !Refuse(job, now));
        if (run.Count == 0)
        {
            runs.Slots.Return(place);
        }
        else
        {
            Encode(place, run);
        }
    }

    public void Dispose()
    {
        // It owns nothing.
    }

    /// <summary>The frames of one run: one that must run alone does; the others go together as the planner says. And those that nobody wants any more.</summary>
    private void Select(List<FrameJob> waiting)
    {
        _taken.AddRange(waiting.Where(static job => job.IsAnswered || job.IsOverdue));
        waiting.RemoveAll(_taken.Contains);
        if (waiting.Count == 0)
        {
            return;
        }

        int count = waiting[0].RunsAlone ? 1 : runs.EncodePlanner.NextRun(waiting.Count(static job => !job.RunsAlone));
        bool alone = waiting[0].RunsAlone;
        for (int i = 0; count > 0; i++)
        {
            if (waiting[i].RunsAlone == alone)
            {
                _taken.Add(waiting[i]);
                count--;
            }
        }

        waiting.RemoveAll(_taken.Contains);
    }

    private bool Refuse(FrameJob job, long now)
    {
        if (stage.Begin(job, now) is not { } refusal)
        {
            return false;
        }

        stage.Exit.Leave(job, refusal);
        return true;
    }

    private void Encode(SlotPlace place, List<FrameJob> run)
    {
        int bucket = runs.Sizes.BucketOf(run.Count);
        long start = stage.Clock.Now;
        RunSlot slot;
        try
        {
            slot = runs.Slots.Open(place);
            if (slot.Rows < bucket)
            {
                // The largest batch was halved since the frames were taken.
                runs.Slots.Return(place);
                stage.PutBack(run);
                return;
            }

            Run(slot, run, bucket);
        }
        catch (Exception exception)
        {
            runs.Slots.Return(place);
            var verdict = stage.Classifier.Classify(exception, stage.Name, bucket, run.Count);
            if (verdict.Failure is { } failure)
            {
                run.ForEach(job => stage.Exit.Leave(job, failure));
            }
            else
            {
                run.ForEach(job => job.RunsAlone |= verdict.RunAlone);
                stage.PutBack(run);
            }

            return;
        }

        var elapsed = stage.Clock.RecordRun(TimedWork.Encode, start, bucket, run);
        runs.EncodePlanner.Record(bucket, elapsed);
        stage.Classifier.Succeeded(stage.Name);
        Pass(new FrameBatch(place, slot, bucket, run.Count, runs.Slots), run, start, elapsed);
    }

    private static void Run(RunSlot slot, List<FrameJob> run, int bucket)
    {
        if (bucket == 1)
        {
            slot.Encode(run[0].Pixels!);
            return;
        }

        for (int row = 0; row < run.Count; row++)
        {
            slot.Load(row, run[row].Pixels!);
        }

        slot.Encode(bucket);
    }

    /// <summary>Answers the frames that are done and sends the others on.</summary>
    private void Pass(FrameBatch batch, List<FrameJob> run, long start, TimeSpan elapsed)
    {
        for (int row = 0; row < run.Count; row++)
        {
            var job = run[row];
            (job.Batch, job.Row) = (batch, row);
            stage.Exit.ReturnPixels(job);
            job.Timings = job.Timings with { Queue = job.Timings.Queue + stage.Clock.RecordBatchWait(job.QueuedAt, start), Encode = elapsed };
            stage.Clock.Record(job, TimedWork.Encode, elapsed);
        }

        var further = run.FindAll(job => !IsDone(job));
        if (further.Count > 0)
        {
            next(further);
        }
    }

    private bool IsDone(FrameJob job)
    {
        AnalysisOutcome? outcome;
        try
        {
            outcome = gate.Process(job);
        }
        catch (Exception exception)
        {
            outcome = stage.Classifier.ClassifyOne(exception, stage.Name);
        }

        if (outcome is { } answer)
        {
            stage.Exit.Leave(job, answer);
        }

        return outcome is not null;
    }
}
